//! The table of endpoints, and what every request goes through: an id, and one form of error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use crate::api::error::ApiError;
use crate::api::{Backend, endpoints};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) fn routes(backend: Arc<dyn Backend>) -> Router {
    let v1 = Router::new()
        .route("/version", get(endpoints::version))
        .route("/status", get(endpoints::status))
        .route("/system/startup", get(endpoints::startup))
        .route("/interfaces", get(endpoints::interfaces))
        .route("/bgp/summary", get(endpoints::bgp::summary))
        .route("/bgp/neighbors", get(endpoints::bgp::neighbors))
        .route("/bgp/neighbors/{neighbor}", get(endpoints::bgp::neighbor))
        .route(
            "/bgp/neighbors/{neighbor}/routes/{table}",
            get(endpoints::neighbor_routes::table),
        )
        .route("/explain/policy", post(endpoints::explain::policy))
        .route("/bgp/{family}/routes", get(endpoints::bgp::routes))
        .route("/bgp/{family}/routes/{*prefix}", get(endpoints::bgp::route))
        .route("/routes/{family}", get(endpoints::routes::routes))
        .route("/routes/{family}/{*prefix}", get(endpoints::routes::route))
        .route("/fib", get(endpoints::fib))
        .route("/reset/bgp/{neighbor}", post(endpoints::reset::bgp))
        .route("/bfd/peers", get(endpoints::bfd_peers))
        .route("/dataplane/accounting", get(endpoints::stats::accounting))
        .route("/stats/prefixes", get(endpoints::stats::prefixes))
        .method_not_allowed_fallback(wrong_method)
        .with_state(backend);
    Router::new()
        .nest("/api/v1", v1)
        .fallback(no_endpoint)
        .layer(from_fn_with_state(Arc::new(RequestIds::default()), number))
}

async fn no_endpoint(uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is no endpoint {}", uri.path()))
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: "method-not-allowed",
        message: format!("this endpoint does not take {method}"),
    }
}

#[derive(Default)]
struct RequestIds(AtomicU64);

/// Gives the request an id, and an error its body.
async fn number(State(ids): State<Arc<RequestIds>>, request: Request, next: Next) -> Response {
    let id = format!("{:08x}", ids.0.fetch_add(1, Ordering::Relaxed));
    let response = next.run(request).await;
    let mut response = match response.extensions().get::<ApiError>() {
        Some(error) => error.respond(&id),
        None => response,
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
