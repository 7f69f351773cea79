//! ordering-views
