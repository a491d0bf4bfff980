//! What the Lambda API answers when it does not do what it was asked.

use hyper::StatusCode;
use serde_json::{Value, json};

/// An error of the Lambda API, of the kinds that an SDK tells apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// There is no such function (`ResourceNotFoundException`).
    #[error("{0}")]
    NotFound(String),
    /// There is one already (`ResourceConflictException`).
    #[error("{0}")]
    Conflict(String),
    /// A value is not one that may be given (`InvalidParameterValueException`).
    #[error("{0}")]
    InvalidParameter(String),
    /// The request is not one of the API, or its body not what it has to be
    /// (`InvalidRequestContentException`).
    #[error("{0}")]
    InvalidContent(String),
    /// The body is longer than allowed (`RequestTooLargeException`).
    #[error("{0}")]
    TooLarge(String),
    /// No instance is free, and no more may be started (`TooManyRequestsException`).
    #[error("{0}")]
    TooManyRequests(String),
    /// The request is not signed at all (`MissingAuthenticationTokenException`).
    #[error("{0}")]
    Unsigned(String),
    /// The request came to no operation of the API (`UnknownOperationException`).
    #[error("{0}")]
    UnknownOperation(String),
    /// The body did not come in time (`RequestTimeoutException`).
    #[error("{0}")]
    TooSlow(String),
    /// The platform failed, or is stopping (`ServiceException`).
    #[error("{0}")]
    Service(String),
}

impl ApiError {
    /// The name the API gives the error.
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::NotFound(_) => "ResourceNotFoundException",
            ApiError::Conflict(_) => "ResourceConflictException",
            ApiError::InvalidParameter(_) => "InvalidParameterValueException",
            ApiError::InvalidContent(_) => "InvalidRequestContentException",
            ApiError::TooLarge(_) => "RequestTooLargeException",
            ApiError::TooManyRequests(_) => "TooManyRequestsException",
            ApiError::Unsigned(_) => "MissingAuthenticationTokenException",
            ApiError::UnknownOperation(_) => "UnknownOperationException",
            ApiError::TooSlow(_) => "RequestTimeoutException",
            ApiError::Service(_) => "ServiceException",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            ApiError::NotFound(_) | ApiError::UnknownOperation(_) => StatusCode::NOT_FOUND,
            ApiError::Conflict(_) => StatusCode::CONFLICT,
            ApiError::InvalidParameter(_) | ApiError::InvalidContent(_) => StatusCode::BAD_REQUEST,
            ApiError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Unsigned(_) => StatusCode::FORBIDDEN,
            ApiError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            ApiError::Service(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body. The service's own model writes `Message` in two of its errors, and `message`
    /// in the others.
    pub(super) fn body(&self) -> Value {
        let fault = if self.status().is_server_error() { "Service" } else { "User" };
        match self {
            ApiError::NotFound(why) | ApiError::Service(why) => {
                json!({ "Type": fault, "Message": why })
            }
            ApiError::TooManyRequests(why) => {
                let reason = "ConcurrentInvocationLimitExceeded";
                json!({ "Type": fault, "message": why, "Reason": reason })
            }
            _ => json!({ "Type": fault, "message": self.to_string() }),
        }
    }
}
