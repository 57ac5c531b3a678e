-- Which requests look like attacks: path traversal, SQL injection, script injection, JNDI lookups, leaking files?
-- Percent-encoded text is logged as the client sent it. A status below 400 deserves attention.
with tries as (
  select
    event_id,
    "timestamp",
    client_ip,
    elb_status_code,
    request_verb,
    request_url,
    case
      when strpos(lower(request_url), '../') > 0 or strpos(lower(request_url), '..%2f') > 0
        or strpos(lower(request_url), '..%5c') > 0 or strpos(lower(request_url), '/etc/passwd') > 0 then 'path traversal'
      when strpos(lower(request_url), '${jndi:') > 0 or strpos(lower(request_url), '%24%7bjndi') > 0
        or strpos(lower(user_agent), '${jndi:') > 0 then 'jndi lookup'
      when strpos(lower(request_url), '<script') > 0 or strpos(lower(request_url), '%3cscript') > 0 then 'script injection'
      when strpos(lower(request_url), 'union%20select') > 0 or strpos(lower(request_url), 'union+select') > 0
        or strpos(lower(request_url), '%27%20or%20') > 0 or strpos(lower(request_url), '''+or+') > 0 then 'sql injection'
      when strpos(lower(request_path), '/.env') > 0 or strpos(lower(request_path), '/.git/') > 0
        or strpos(lower(request_path), '/wp-login.php') > 0 or strpos(lower(request_path), '/phpmyadmin') > 0 then 'leaking file'
    end as attempt
  from
    alb_access_log
)
select
  "timestamp",
  attempt,
  client_ip,
  elb_status_code,
  request_verb,
  request_url
from
  tries
where
  attempt is not null
order by
  "timestamp" desc,
  event_id
limit 50;
