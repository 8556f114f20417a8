//! How a request fails: a status, a code for programs, a sentence for people.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::AskError;
use crate::api::view::{ErrorBody, ErrorView};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn bad_value(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "bad-value",
            message: message.into(),
        }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "not-found",
            message: message.into(),
        }
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "unavailable",
            message: message.into(),
        }
    }

    /// The router answered another question than the one that was asked: a fault of ours.
    pub(super) fn wrong_answer() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            message: "the router answered another question; please report this".to_owned(),
        }
    }

    pub(super) fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: ErrorView {
                code: self.code.to_owned(),
                message: self.message.clone(),
                details: Vec::new(),
                request_id: request_id.to_owned(),
            },
        }
    }

    pub(super) fn respond(&self, request_id: &str) -> Response {
        (self.status, Json(self.body(request_id))).into_response()
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_value(rejection.body_text())
    }
}

/// The error travels to the outermost layer, which knows the request's id and writes the body.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
