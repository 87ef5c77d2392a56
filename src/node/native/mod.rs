//! The native API of customers: `/v1/*` on the public door, in the words of the domain.
//!
//! | room | what it is |
//! |---|---|
//! | [`orders`] | `/v1/orders`, the binary order channel |

pub mod orders;
