-- Has AWS added fields that no column knows yet, since when, and do they have values?
-- extra_fields has the tokens verbatim.
select
  extra_fields,
  count(*) as requests,
  min("timestamp") as first_one,
  max("timestamp") as last_one
from
  alb_access_log
where
  extra_fields is not null
group by
  extra_fields
order by
  requests desc,
  first_one
limit 20;
