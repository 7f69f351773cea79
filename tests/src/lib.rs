//! Journeys over the whole.
