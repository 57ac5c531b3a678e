-- Which clients transfer the most bytes through TLS listeners?
select
  client_ip,
  count(*) as connections,
  sum(received_bytes) as received_bytes,
  sum(sent_bytes) as sent_bytes,
  round(max(connection_time) / 1e3, 3) as longest_seconds
from
  nlb_access_log
group by
  client_ip
order by
  sum(received_bytes) + sum(sent_bytes) desc,
  client_ip
limit 10;
