//! The shop: its services, and what becomes of a visit.
//!
//! In: a moment. Out: the traces of one visit: looking around, filling a cart, paying, and what the workers behind the queue make of an order. Names of attributes are OpenTelemetry's.
//!
//! Source of the names: OpenTelemetry semantic conventions 1.27 (`http`, `db`, `messaging`, `rpc`, `exception`).

use std::sync::Arc;

use model::{KeyValue, Resource, Scope, Span, SpanId, SpanKind, TraceId};

use super::scene::{MS, Rng, Scene, Service, US};

/// No visit takes longer, with what comes behind it.
pub(super) const LONGEST_NS: u64 = 60_000 * MS;

const PRODUCTS: [&str; 6] = ["teapot", "lamp", "rug", "kettle", "mirror", "clock"];
const CARRIERS: [&str; 3] = ["north", "swift", "parcel"];
const STACK: &str = "payment.go:118 authorise\nclient.go:61 do\nserver.go:204 handle";

/// Its services.
pub(super) struct Shop {
    frontend: Service,
    checkout: Service,
    cart: Service,
    catalogue: Service,
    payment: Service,
    inventory: Service,
    shipping: Service,
    mailer: Service,
}

/// How a call over HTTP ends.
struct Ended {
    status: i64,
    why: &'static str,
}

const FINE: Ended = Ended {
    status: 200,
    why: "",
};

// === impl Shop ===

impl Shop {
    /// With hosts of its own.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut service = |name: &str, version: &str, language: &str, library: &str| {
            let pod = format!("{name}-{:05x}", rng.below(1 << 20));
            Service {
                resource: Arc::new(Resource {
                    attributes: vec![
                        KeyValue::new("service.namespace", "spoor-demo"),
                        KeyValue::new("service.version", version),
                        KeyValue::new("telemetry.sdk.language", language),
                        KeyValue::new("host.name", pod.as_str()),
                        KeyValue::new("k8s.namespace.name", "shop"),
                    ],
                    ..Resource::of_service(name)
                }),
                scope: Arc::new(Scope {
                    name: library.into(),
                    version: "1.9.0".into(),
                    ..Scope::default()
                }),
            }
        };
        Self {
            frontend: service("frontend", "4.2.1", "nodejs", "shop-http"),
            checkout: service("checkout", "2.17.0", "go", "shop/http"),
            cart: service("cart", "1.8.3", "java", "shop.http"),
            catalogue: service("catalogue", "3.0.5", "go", "shop/http"),
            payment: service("payment", "5.1.0", "go", "shop/http"),
            inventory: service("inventory", "1.4.9", "python", "shop.http"),
            shipping: service("shipping", "0.9.2", "java", "shop.orders"),
            mailer: service("mailer", "1.1.1", "python", "shop.mail"),
        }
    }

    /// The traces of one visit: of the customer, and of a worker that takes an order up later by itself.
    pub(super) fn visit(&self, rng: &mut Rng, start_ns: u64) -> Vec<Vec<Span>> {
        let kind = rng.below(100);
        let mut scene = Scene::new(rng, start_ns);
        let ordered = match kind {
            0..45 => self.browse(&mut scene),
            45..60 => self.show_cart(&mut scene),
            60..78 => self.add_to_cart(&mut scene),
            _ => self.check_out(&mut scene),
        };
        let later_ns = scene.now_ns + 200 * MS;
        let mut traces = vec![scene.end()];
        if let Some(ordered) = ordered {
            traces.push(self.mail(rng, later_ns, ordered));
        }
        traces
    }

    fn browse(&self, scene: &mut Scene<'_>) -> Option<(TraceId, SpanId)> {
        let product = scene.rng.one(&PRODUCTS);
        self.request(scene, "GET", "/products/{product}", |scene| {
            scene.tell("app.product", product);
            scene.together(
                |scene| {
                    self.call(
                        scene,
                        [&self.frontend, &self.catalogue],
                        "GET /products",
                        |scene| {
                            self.query(scene, &self.catalogue, "SELECT", "products", 4 * MS);
                            FINE
                        },
                    );
                },
                |scene| {
                    self.call(
                        scene,
                        [&self.frontend, &self.inventory],
                        "GET /stock",
                        |scene| {
                            self.query(scene, &self.inventory, "SELECT", "stock", 3 * MS);
                            FINE
                        },
                    );
                },
            );
            self.render(scene);
            FINE
        });
        None
    }

    fn show_cart(&self, scene: &mut Scene<'_>) -> Option<(TraceId, SpanId)> {
        self.request(scene, "GET", "/cart", |scene| {
            self.call(scene, [&self.frontend, &self.cart], "GET /cart", |scene| {
                self.load_cart(scene);
                FINE
            });
            self.render(scene);
            FINE
        });
        None
    }

    fn add_to_cart(&self, scene: &mut Scene<'_>) -> Option<(TraceId, SpanId)> {
        let product = scene.rng.one(&PRODUCTS);
        let is_gone = scene.rng.percent(8);
        self.request(scene, "POST", "/cart/items", |scene| {
            scene.tell("app.product", product);
            let mut ended = FINE;
            self.call(
                scene,
                [&self.frontend, &self.cart],
                "POST /cart/items",
                |scene| {
                    self.load_cart(scene);
                    self.call(
                        scene,
                        [&self.cart, &self.inventory],
                        "POST /reservations",
                        |scene| {
                            self.query(scene, &self.inventory, "UPDATE", "stock", 6 * MS);
                            if is_gone {
                                scene.event("out of stock", &[("app.product", product)]);
                                return Ended {
                                    status: 409,
                                    why: "",
                                };
                            }
                            FINE
                        },
                    );
                    if is_gone {
                        ended.status = 409;
                    } else {
                        self.cache(scene, "SET");
                    }
                    Ended {
                        status: ended.status,
                        why: "",
                    }
                },
            );
            ended
        });
        None
    }

    fn check_out(&self, scene: &mut Scene<'_>) -> Option<(TraceId, SpanId)> {
        let (is_declined, is_tried_again) = (scene.rng.percent(9), scene.rng.percent(14));
        let mut ordered = None;
        self.request(scene, "POST", "/checkout", |scene| {
            let mut ended = FINE;
            self.call(
                scene,
                [&self.frontend, &self.checkout],
                "POST /orders",
                |scene| {
                    let items = 1 + scene.rng.below(5);
                    scene.tell("app.items", items.cast_signed());
                    scene.together(
                        |scene| {
                            self.call(scene, [&self.checkout, &self.cart], "GET /cart", |scene| {
                                self.load_cart(scene);
                                FINE
                            });
                        },
                        |scene| {
                            self.call(
                                scene,
                                [&self.checkout, &self.inventory],
                                "GET /stock",
                                |scene| {
                                    self.query(scene, &self.inventory, "SELECT", "stock", 3 * MS);
                                    FINE
                                },
                            );
                        },
                    );
                    if is_tried_again {
                        self.pay(
                            scene,
                            Some("upstream connect error: connection refused"),
                            503,
                        );
                        scene.event("retry", &[("attempt", "2"), ("reason", "503")]);
                        scene.wait(120 * MS);
                    }
                    if is_declined {
                        self.pay(scene, Some("card declined"), 402);
                        ended = Ended {
                            status: 402,
                            why: "payment failed",
                        };
                        return Ended { ..ended };
                    }
                    self.pay(scene, None, 200);
                    self.query(scene, &self.checkout, "INSERT", "orders", 8 * MS);
                    ordered = Some(self.order(scene));
                    FINE
                },
            );
            ended
        });
        ordered
    }

    fn pay(&self, scene: &mut Scene<'_>, why: Option<&'static str>, status: i64) {
        self.call(
            scene,
            [&self.checkout, &self.payment],
            "POST /payments",
            |scene| {
                scene.tell("app.payment.method", "card");
                if status != 503 {
                    scene.open(&self.payment, "authorise", SpanKind::Internal);
                    let is_slow = scene.rng.percent(6);
                    scene.wait(if is_slow { 1_900 * MS } else { 60 * MS });
                    if let Some(why) = why {
                        let of = [
                            ("exception.type", "CardError"),
                            ("exception.message", why),
                            ("exception.stacktrace", STACK),
                        ];
                        scene.event("exception", &of);
                        scene.fail(why);
                    }
                    scene.close();
                }
                Ended {
                    status,
                    why: why.unwrap_or_default(),
                }
            },
        );
    }

    /// The order goes to the queue, and shipping takes it from there in the same trace.
    fn order(&self, scene: &mut Scene<'_>) -> (TraceId, SpanId) {
        scene.open(&self.checkout, "orders publish", SpanKind::Producer);
        self.queued(scene, "publish");
        let here = scene.here();
        scene.wait(2 * MS);
        // it is taken up while the customer has an answer already
        let sent_ns = scene.now_ns;
        scene.wait(40 * MS);
        scene.open(&self.shipping, "orders process", SpanKind::Consumer);
        self.queued(scene, "process");
        self.query(scene, &self.shipping, "INSERT", "parcels", 7 * MS);
        let carrier = scene.rng.one(&CARRIERS);
        scene.open(&self.shipping, "choose carrier", SpanKind::Internal);
        scene.tell("app.carrier", carrier);
        scene.wait(15 * MS);
        scene.close();
        scene.close();
        scene.now_ns = sent_ns;
        scene.close();
        here
    }

    /// A worker of another kind works in traces of its own, which only point to the order.
    fn mail(&self, rng: &mut Rng, start_ns: u64, ordered: (TraceId, SpanId)) -> Vec<Span> {
        let mut scene = Scene::new(rng, start_ns);
        scene.open(&self.mailer, "orders receive", SpanKind::Consumer);
        self.queued(&mut scene, "receive");
        scene.link(ordered);
        scene.wait(3 * MS);
        scene.open(&self.mailer, "render template", SpanKind::Internal);
        scene.tell("app.template", "order-confirmation");
        scene.wait(20 * MS);
        scene.close();
        scene.open(&self.mailer, "SMTP send", SpanKind::Client);
        scene.tell("server.address", "smtp.shop.example");
        scene.tell("peer.service", "smtp");
        scene.wait(180 * MS);
        scene.close();
        scene.close();
        scene.end()
    }

    fn queued(&self, scene: &mut Scene<'_>, operation: &'static str) {
        scene.tell("messaging.system", "kafka");
        scene.tell("messaging.destination.name", "orders");
        scene.tell("messaging.operation.type", operation);
        let partition = scene.rng.below(6).to_string();
        scene.tell("messaging.destination.partition.id", partition.as_str());
    }

    /// What a customer's browser asks for.
    fn request(
        &self,
        scene: &mut Scene<'_>,
        method: &'static str,
        route: &'static str,
        answer: impl FnOnce(&mut Scene<'_>) -> Ended,
    ) {
        scene.open(
            &self.frontend,
            &format!("{method} {route}"),
            SpanKind::Server,
        );
        scene.tell("http.request.method", method);
        scene.tell("http.route", route);
        scene.tell("user_agent.original", "Mozilla/5.0");
        let customer = format!("c-{:04}", scene.rng.below(400));
        scene.tell("app.customer.id", customer.as_str());
        scene.wait(800 * US);
        let ended = answer(scene);
        scene.wait(500 * US);
        scene.tell("http.response.status_code", ended.status);
        if ended.status >= 500 {
            scene.fail(ended.why);
        }
        scene.close();
    }

    /// One service calls another over HTTP: a client's span, and a server's in it.
    fn call(
        &self,
        scene: &mut Scene<'_>,
        [from, to]: [&Service; 2],
        what: &'static str,
        answer: impl FnOnce(&mut Scene<'_>) -> Ended,
    ) {
        let (method, route) = what.split_once(' ').unwrap_or((what, ""));
        let name = to.resource.service_name();
        scene.open(from, method, SpanKind::Client);
        scene.tell("http.request.method", method);
        scene.tell("server.address", name);
        let url = format!("http://{name}:8080{route}");
        scene.tell("url.full", url.as_str());
        scene.wait(400 * US);
        scene.open(to, what, SpanKind::Server);
        scene.tell("http.request.method", method);
        scene.tell("http.route", route);
        scene.wait(600 * US);
        let Ended { status, why } = answer(scene);
        scene.wait(300 * US);
        scene.tell("http.response.status_code", status);
        if status >= 500 {
            scene.fail(why);
        }
        scene.close();
        scene.wait(400 * US);
        scene.tell("http.response.status_code", status);
        if status >= 400 {
            let error = status.to_string();
            scene.tell("error.type", error.as_str());
            scene.fail(why);
        }
        scene.close();
    }

    fn query(
        &self,
        scene: &mut Scene<'_>,
        of: &Service,
        verb: &'static str,
        table: &'static str,
        mean_ns: u64,
    ) {
        scene.open(of, &format!("{verb} shop.{table}"), SpanKind::Client);
        scene.tell("db.system.name", "postgresql");
        scene.tell("db.namespace", "shop");
        scene.tell("db.collection.name", table);
        scene.tell("db.operation.name", verb);
        scene.tell("server.address", "postgres.shop");
        if scene.rng.percent(2) {
            scene.event("waiting for lock", &[("db.collection.name", table)]);
            scene.wait(2_500 * MS);
        }
        scene.wait(mean_ns);
        scene.close();
    }

    fn load_cart(&self, scene: &mut Scene<'_>) {
        self.cache(scene, "GET");
        if scene.rng.percent(25) {
            scene.event("cache miss", &[("cache.key", "cart")]);
            self.query(scene, &self.cart, "SELECT", "carts", 5 * MS);
            self.cache(scene, "SET");
        }
    }

    fn cache(&self, scene: &mut Scene<'_>, verb: &'static str) {
        scene.open(&self.cart, verb, SpanKind::Client);
        scene.tell("db.system.name", "redis");
        scene.tell("db.operation.name", verb);
        scene.tell("server.address", "redis.shop");
        scene.wait(300 * US);
        scene.close();
    }

    fn render(&self, scene: &mut Scene<'_>) {
        scene.open(&self.frontend, "render", SpanKind::Internal);
        scene.wait(6 * MS);
        scene.close();
    }
}
