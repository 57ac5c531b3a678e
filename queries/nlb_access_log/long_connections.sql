-- Which connections stay open longest?
select
  "timestamp",
  listener,
  client_ip,
  destination_ip,
  domain_name,
  round(connection_time / 1e3, 3) as seconds,
  received_bytes,
  sent_bytes
from
  nlb_access_log
order by
  connection_time desc nulls last,
  event_id
limit 10;
