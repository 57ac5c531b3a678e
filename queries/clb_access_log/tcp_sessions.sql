-- Which clients use the TCP and SSL listeners, and how many bytes do they transfer?
-- A session of such a listener has neither a status code nor a request; a session without a backend never reached one.
select
  client_ip,
  count(*) as sessions,
  count(*) filter (where backend_ip is null) as without_backend,
  count(*) filter (where ssl_protocol is not null) as over_tls,
  sum(received_bytes) as received_bytes,
  sum(sent_bytes) as sent_bytes,
  max("timestamp") as last_one
from
  clb_access_log
where
  elb_status_code is null
  and request_verb is null
group by
  client_ip
order by
  sessions desc,
  client_ip
limit 20;
