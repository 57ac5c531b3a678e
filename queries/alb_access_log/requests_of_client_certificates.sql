-- What do the holders of client certificates request? For load balancers with mutual TLS.
select
  connection.leaf_client_cert_subject,
  connection.leaf_client_cert_serial_number,
  count(*) as requests,
  count(*) filter (where request.elb_status_code >= 400) as errors,
  max(request."timestamp") as last_request
from
  alb_access_log as request
  join alb_connection_log as connection on connection.conn_trace_id = request.conn_trace_id
where
  connection.leaf_client_cert_subject is not null
group by
  1, 2
order by
  requests desc,
  connection.leaf_client_cert_subject,
  connection.leaf_client_cert_serial_number
limit 20;
