//! The native API of customers and providers: `/v1/*` on the public door, in the words of the domain.
//!
//! | room | what it is |
//! |---|---|
//! | [`orders`] | `/v1/orders`, the binary order channel |
//! | [`football`] | `/v1/football/*`: what providers tell |
//! | [`pricing`] | `/v1/pricing/*`: books, ratings and what they rest on |

pub mod football;
pub mod orders;
pub mod pricing;
