"""The Liquid dialect of every text in Wend: strict, bounded, without access to anything but what it is given.

Rules:
- A variable that is missing raises when it is printed; it is false in `if`, and `default` replaces it.
- Loops, output, nesting and memory are limited; a range needs two numbers at most 1,000 apart.
- `html` escapes every value, `path` quotes it for a web address; plain text takes it as it is. There are no includes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TextIO
from urllib.parse import quote

import liquid as engine
from liquid.ast import Node
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.undefined import FalsyStrictUndefined

from wend.content.catalogue.filters import FILTERS as CATALOGUE
from wend.content.filters import FILTERS
from wend.core.problems import nearest

MAX_OUTPUT = 2_000_000
MAX_RANGE = 1_000
_TAGS_LEFT_OUT = ("include", "render", "doc")


class Missing(FalsyStrictUndefined):
    """Raises when printed, counted or looped over; false in a condition; replaced by `default`."""

    __slots__ = ()
    force_liquid_default = True


class _Environment(engine.Environment):
    loop_iteration_limit = 10_000
    output_stream_limit = MAX_OUTPUT
    local_namespace_limit = 4_000_000
    context_depth_limit = 30
    block_nesting_limit = 60


def _environment(autoescape: bool) -> engine.Environment:
    environment = _Environment(undefined=Missing, autoescape=autoescape)
    for name in _TAGS_LEFT_OUT:
        environment.tags.pop(name, None)
    for name, function in (FILTERS | CATALOGUE).items():
        environment.add_filter(name, function)
    return environment


class _QuotedNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: engine.RenderContext, buffer: TextIO) -> int:
        text = to_liquid_string(self.expression.evaluate(context), False)
        # A value that is dots only would climb out of its place.
        quoted = quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")
        return buffer.write(quoted)


class _QuotedOutput(Output):
    node_class = _QuotedNode


HTML = _environment(autoescape=True)
PLAIN = _environment(autoescape=False)
PATH = _environment(autoescape=False)
PATH.add_tag(_QuotedOutput)


class LiquidProblem(ValueError):
    """What is wrong with a Liquid text, in one line, with the line it is on (0: unknown)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class Text:
    """One compiled text. A text without Liquid is kept as it is and costs nothing to render."""

    __slots__ = ("_filters", "_fixed", "_template", "_variables")

    def __init__(self, source: str, *, html: bool = False, path: bool = False) -> None:
        """Raises LiquidProblem."""
        self._fixed = source
        self._template: engine.BoundTemplate | None = None
        self._variables: frozenset[str] = frozenset()
        self._filters: frozenset[str] = frozenset()
        if "{{" not in source and "{%" not in source:
            return
        environment = HTML if html else PATH if path else PLAIN
        try:
            self._template = environment.from_string(source)
            for expression in _expressions(self._template):
                _check_expression(expression)
            self._check_filters(environment)
            self._variables = frozenset(_paths(self._template))
        except LiquidError as error:
            raise _problem(error) from None

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for one person. Raises LiquidProblem (a variable is missing, a limit was reached …)."""
        if self._template is None:
            return self._fixed
        try:
            return self._template.render(values)
        except LiquidError as error:
            raise _problem(error) from None
        except (RecursionError, ArithmeticError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise LiquidProblem(f"{type(error).__name__}: {error}") from None

    def variables(self) -> frozenset[str]:
        """Dotted paths of what it reads from outside: `profile.first_name`, `cart`, `entry.total` …"""
        return self._variables

    def filters(self) -> frozenset[str]:
        """Names of the filters it uses."""
        return self._filters

    def _check_filters(self, environment: engine.Environment) -> None:
        assert self._template is not None
        used = self._template.analyze().filters
        self._filters = frozenset(used)
        for name, places in used.items():
            if name not in environment.filters:
                line = self._fixed.count("\n", 0, places[0].index) + 1 if places else 0
                raise LiquidProblem(f"there is no filter {name!r}{nearest(name, environment.filters)}", line)


def _paths(template: engine.BoundTemplate) -> Iterator[str]:
    for found in template.analyze().globals.values():
        for variable in found:
            path = str(variable.segments[0])
            for segment in variable.segments[1:]:
                if not isinstance(segment, str):
                    break  # an index or a computed name: what stands before it is what is known
                path += f".{segment}"
            yield path


def _expressions(template: engine.BoundTemplate) -> Iterator[Expression]:
    context = engine.RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        expressions: list[Expression] = list(node.expressions())
        while expressions:
            expression = expressions.pop()
            yield expression
            expressions.extend(expression.children())
        nodes.extend(node.children(context, include_partials=False))


def _check_expression(expression: Expression) -> None:
    if not isinstance(expression, RangeLiteral):
        return
    ends: list[int] = [int(end.value) for end in (expression.start, expression.stop) if isinstance(end, IntegerLiteral)]
    if len(ends) < 2 or ends[1] - ends[0] > MAX_RANGE:
        source, index = expression.token.source, expression.token.start_index
        line = source.count("\n", 0, max(index, 0)) + 1
        raise LiquidProblem(f"{expression}: a range needs two numbers that are at most {MAX_RANGE:,} apart", line)


def _problem(error: LiquidError) -> LiquidProblem:
    place = error.context()
    return LiquidProblem(str(error.message or type(error).__name__), place[0] if place else 0)
