"""What the API and the command line both do to the workspace. No web framework in here; every act leaves an audit row."""
