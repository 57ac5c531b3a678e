-- Which client certificates in use expire soonest?
-- Days are counted from the connection that used the certificate last.
select
  leaf_client_cert_subject,
  leaf_client_cert_serial_number,
  leaf_client_cert_not_after,
  date_diff('day', cast(max("timestamp") as date), cast(leaf_client_cert_not_after as date)) as days_left,
  count(*) as connections,
  count(*) filter (where tls_verify_status = 'Success') as accepted,
  max("timestamp") as last_connection
from
  alb_connection_log
where
  leaf_client_cert_not_after is not null
group by
  leaf_client_cert_subject,
  leaf_client_cert_serial_number,
  leaf_client_cert_not_after
order by
  leaf_client_cert_not_after,
  leaf_client_cert_subject,
  leaf_client_cert_serial_number
limit 20;
