//! Requests to an ordinary shop, their clients and their outcomes.

use super::world::{LAMBDA, LIVE};

/// A page, an asset or an API call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) host: &'static str,
    /// Path and query string, as a template of [`text::fill`](super::text::fill).
    pub(super) path: &'static str,
    pub(super) group: usize,
    /// The priority of the matching rule.
    pub(super) rule: u64,
    /// The maximum microseconds of the target, except for slow requests.
    pub(super) micros: u64,
    /// The maximum bytes of the response.
    pub(super) bytes: u64,
}

const SHOP: &str = "www.example.com";
const API: &str = "api.example.com";
const ASSETS: &str = "assets.example.com";

const fn get(host: &'static str, path: &'static str, group: usize, rule: u64, micros: u64, bytes: u64) -> Route {
    Route {
        method: "GET",
        host,
        path,
        group,
        rule,
        micros,
        bytes,
    }
}

const fn send(method: &'static str, path: &'static str, group: usize, rule: u64, micros: u64, bytes: u64) -> Route {
    Route {
        method,
        host: API,
        path,
        group,
        rule,
        micros,
        bytes,
    }
}

/// The routes, and their weights.
#[rustfmt::skip] // One entry per line.
pub(super) static ROUTES: [(u64, Route); 36] = [
    (60, get(SHOP, "/?visit=**", 0, 0, 90_000, 48_000)),
    (55, get(SHOP, "/products/#?gclid=**", 0, 0, 140_000, 62_000)),
    (35, get(SHOP, "/products/#?position=^&session=**", 0, 0, 140_000, 62_000)),
    (30, get(SHOP, "/category/lighting?page=^&sort=price_asc&session=**", 0, 0, 160_000, 90_000)),
    (20, get(SHOP, "/category/tables?page=^&sort=newest&utm_campaign=autumn&visit=**", 0, 0, 160_000, 90_000)),
    (30, get(SHOP, "/search?q=$&page=^&session=**", 0, 0, 300_000, 70_000)),
    (12, get(SHOP, "/cart?session=*", 0, 0, 70_000, 21_000)),
    (10, get(SHOP, "/checkout?step=delivery&cart=*", 0, 20, 110_000, 25_000)),
    (6, get(SHOP, "/account/orders?page=^&order=newest", 0, 20, 130_000, 31_000)),
    (5, get(SHOP, "/account/orders/#/invoice.pdf", 0, 20, 900_000, 180_000)),
    (4, get(SHOP, "/help/returns", 0, 0, 30_000, 14_000)),
    (6, get(SHOP, "/robots.txt", 0, 0, 3_000, 400)),
    (8, get(SHOP, "/favicon.ico", 0, 0, 3_000, 5_400)),
    (4, get(SHOP, "/sitemap.xml", 0, 0, 40_000, 220_000)),
    (70, get(ASSETS, "/css/main.~.css?visit=**", 2, 30, 6_000, 94_000)),
    (70, get(ASSETS, "/js/app.~.js?visit=**", 2, 30, 6_000, 310_000)),
    (60, get(ASSETS, "/img/products/#/large.webp?sig=****", 2, 30, 20_000, 190_000)),
    (60, get(ASSETS, "/img/products/#/thumb.webp?sig=****", 2, 30, 12_000, 14_000)),
    (20, get(ASSETS, "/fonts/inter-variable.woff2?visit=*", 2, 30, 5_000, 108_000)),
    (60, get(API, "/v2/products/#/availability?session=**", 1, 10, 40_000, 900)),
    (40, get(API, "/v2/recommendations?product=#&visitor=**", 1, 10, 120_000, 7_000)),
    (40, get(API, "/v2/session/**", 1, 10, 20_000, 1_200)),
    (30, get(API, "/v2/stores?lat=52.52&lon=13.405&radius=^&session=**", 1, 10, 80_000, 5_000)),
    (25, get(API, "/v2/prices?ids=#%2C#%2C#&currency=EUR&session=**", 1, 10, 60_000, 800)),
    (12, get(API, "/v1/products?category=lighting&offset=^0&limit=10&fields=id,name,price", 1, 11, 220_000, 18_000)),
    (8, get(API, "/healthz", 1, 10, 2_000, 300)),
    (30, send("POST", "/v2/events?batch=**", 1, 10, 15_000, 180)),
    (20, send("POST", "/v2/cart/*/items", 1, 10, 90_000, 2_400)),
    (8, send("PATCH", "/v2/cart/*/items/#", 1, 10, 80_000, 2_300)),
    (4, send("DELETE", "/v2/cart/*/items/#", 1, 10, 60_000, 250)),
    (10, send("OPTIONS", "/v2/cart/*/items", 1, 10, 2_000, 500)),
    (8, send("POST", "/v2/graphql?operationName=ProductPage", 1, 10, 180_000, 40_000)),
    (5, send("PUT", "/v2/profile/*/address", 1, 10, 100_000, 700)),
    (3, send("HEAD", "/v2/products/#", 1, 10, 20_000, 350)),
    (14, send("POST", "/v2/orders", LAMBDA, 5, 700_000, 1_900)),
    (12, get(API, "/v2/orders/#/status", LAMBDA, 5, 150_000, 700)),
];

/// The route of WebSocket clients.
pub(super) static LIVE_ROUTE: Route = get("live.example.com", "/socket?v=2&token=*", LIVE, 40, 9_000, 60_000);

/// How far a request got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reach {
    /// A target or function responded.
    #[default]
    Answered,
    /// The target closed the connection or sent an invalid response.
    Refused,
    /// The target did not respond in time.
    Silent,
    /// The target group had no target.
    Nowhere,
    /// The load balancer itself responded.
    Stopped,
    /// The load balancer could not parse the request.
    Unread,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    pub(super) status: u64,
    pub(super) reach: Reach,
    pub(super) actions: &'static str,
    pub(super) error: &'static str,
    /// The desync classification and its reason.
    pub(super) class: (&'static str, &'static str),
}

const fn ends(status: u64, reach: Reach, actions: &'static str) -> Outcome {
    Outcome {
        status,
        reach,
        actions,
        error: "-",
        class: ("-", "-"),
    }
}

const fn fails(status: u64, reach: Reach, actions: &'static str, error: &'static str) -> Outcome {
    Outcome {
        error,
        ..ends(status, reach, actions)
    }
}

const fn odd(status: u64, reach: Reach, actions: &'static str, class: (&'static str, &'static str)) -> Outcome {
    Outcome {
        class,
        ..ends(status, reach, actions)
    }
}

/// The outcomes of requests, and their weights.
#[rustfmt::skip] // One entry per line.
pub(super) static OUTCOMES: [(u64, Outcome); 31] = [
    (7300, ends(200, Reach::Answered, "forward")),
    (900, ends(200, Reach::Answered, "waf,forward")),
    (600, ends(304, Reach::Answered, "forward")),
    (120, ends(201, Reach::Answered, "forward")),
    (110, ends(204, Reach::Answered, "forward")),
    (60, ends(206, Reach::Answered, "forward")),
    (60, ends(302, Reach::Answered, "forward")),
    (260, ends(404, Reach::Answered, "forward")),
    (50, ends(401, Reach::Answered, "forward")),
    (40, ends(429, Reach::Answered, "forward")),
    (50, ends(500, Reach::Answered, "waf,forward")),
    (20, ends(503, Reach::Answered, "forward")),
    (60, ends(200, Reach::Answered, "authenticate,forward")),
    (60, ends(200, Reach::Answered, "rewrite,forward")),
    (8, fails(200, Reach::Answered, "waf-failed,forward", "WAFConnectionTimeout")),
    (12, odd(200, Reach::Answered, "forward", ("Acceptable", "SpaceInUri"))),
    (10, odd(200, Reach::Answered, "waf,forward", ("Ambiguous", "UndefinedContentLengthSemantics"))),
    (30, ends(502, Reach::Refused, "forward")),
    (25, ends(460, Reach::Silent, "forward")),
    (25, ends(504, Reach::Silent, "waf,forward")),
    (15, ends(503, Reach::Nowhere, "forward")),
    (130, ends(301, Reach::Stopped, "redirect")),
    (20, ends(302, Reach::Stopped, "waf,redirect")),
    (60, ends(403, Reach::Stopped, "waf")),
    (20, ends(404, Reach::Stopped, "fixed-response")),
    (12, ends(302, Reach::Stopped, "authenticate")),
    (6, fails(401, Reach::Stopped, "authenticate", "AuthInvalidCookie")),
    (4, fails(500, Reach::Stopped, "authenticate", "AuthTokenEpRequestTimeout")),
    (6, fails(401, Reach::Stopped, "-", "JWTHeaderNotPresent")),
    (25, ends(400, Reach::Unread, "-")),
    (4, odd(400, Reach::Unread, "-", ("Severe", "BadHeader"))),
];

/// The browsers and programs of the clients, and their weights.
#[rustfmt::skip] // One entry per line.
pub(super) static AGENTS: [(u64, &str); 30] = [
    (150, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
    (90, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"),
    (80, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
    (60, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15"),
    (130, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"),
    (40, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1"),
    (20, "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"),
    (110, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"),
    (40, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"),
    (35, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    (15, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    (10, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
    (40, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"),
    (8, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0"),
    (6, "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko"),
    (10, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.26 Mobile/15E148 Safari/604.1"),
    (12, "Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.7339.155 Mobile Safari/537.36"),
    (16, "ExampleShop/7.14.2 (iOS 18.6; iPhone15,3) CFNetwork/1568.200.51 Darwin/24.1.0"),
    (18, "ExampleShop/7.14.1 (Android 15; Pixel 8) okhttp/4.12.0"),
    (8, "okhttp/4.12.0"),
    (8, "python-requests/2.32.5"),
    (4, "python-httpx/0.28.1"),
    (6, "curl/8.16.0"),
    (4, "Go-http-client/2.0"),
    (3, "Java/21.0.8"),
    (5, "axios/1.12.2"),
    (8, "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example.org/about)"),
    (6, "Mozilla/5.0 (compatible; ExampleSpider/1.4; spider@example.net)"),
    (8, "ExampleMonitor/3.0 (uptime; region=eu-central-1)"),
    (5, "-"),
];

/// The same in the years of shorter lines.
#[rustfmt::skip]
pub(super) static EARLY_AGENTS: [(u64, &str); 10] = [
    (250, "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/54.0.2840.99 Safari/537.36"),
    (120, "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/43.0.2357.124 Safari/537.36"),
    (120, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_3) AppleWebKit/600.6.3 (KHTML, like Gecko) Version/8.0.6 Safari/600.6.3"),
    (130, "Mozilla/5.0 (iPhone; CPU iPhone OS 8_3 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like Gecko) Version/8.0 Mobile/12F70 Safari/600.1.4"),
    (90, "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:38.0) Gecko/20100101 Firefox/38.0"),
    (80, "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)"),
    (40, "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://bot.example.org/about)"),
    (30, "curl/7.43.0"),
    (20, "Python-urllib/2.7"),
    (20, "-"),
];
