-- Which application protocols do clients offer, and which one is selected?
select
  offered,
  coalesce(alpn_fe_protocol, 'none') as with_the_client,
  coalesce(alpn_be_protocol, 'none') as with_the_target,
  count(*) as connections
from
  nlb_access_log
  cross join unnest(alpn_client_preference_list) as offers (offered)
group by
  1, 2, 3
order by
  connections desc,
  offered,
  with_the_client,
  with_the_target;
