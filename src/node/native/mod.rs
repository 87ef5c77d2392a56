//! The native API of customers and providers: `/v1/*` on the public door, in the words of the domain.
//!
//! | room | what it is |
//! |---|---|
//! | [`orders`] | `/v1/orders`, the binary order channel |
//! | [`table`] | every path that speaks JSON: what it takes, gives and needs |
//! | [`schema`], [`document`], `shapes` | strict reading by the table, the documents written from it, the shapes of answers |
//! | [`api`] | the way of a request; `people`, `account`, `markets`, [`football`], [`pricing`] are its handlers |
//! | [`who`], [`rate`] | who asks, and how often they may |
//! | [`routes`], [`page`] | warp; the small pages that links and documents lead to |
//! | [`football`] | `/v1/football/*`: what providers tell |
//! | [`pricing`] | `/v1/pricing/*`: books, ratings and what they rest on |

mod account;
pub mod api;
pub mod document;
pub mod football;
mod markets;
pub mod orders;
pub mod page;
mod people;
pub mod pricing;
pub mod rate;
pub mod routes;
pub mod schema;
mod shapes;
pub mod table;
pub mod who;

pub use api::{Customers, Native};
