-- What is learned from all people (insight/): read now and then, never on the hot path.

-- name: insight_answers
-- Opens, clicks and replies of people by channel, zone and hour since 1970. Days outside the range are pruned.
select step.detail->>'channel', profile.attributes->>'timezone', step.at / %(hour)s, count(*)
from step join profile on profile.partition = step.partition and profile.id = step.profile_id
where step.at >= %(since)s and step.at <= %(until)s and step.kind = 'outcome'
  and step.branch in ('opened', 'clicked', 'replied') and step.detail->>'machine' is null
group by 1, 2, 3;

-- name: insight_arms
-- How many took each arm of a split, and how many of them came to the goal; over all versions and partitions.
select what, sum(n) from tally
where journey = %(journey)s and node = %(node)s and (what like 'moved:%%' or what like 'goal:%%')
group by 1;
