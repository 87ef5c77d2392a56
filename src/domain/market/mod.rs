//! One market: its status, its book and every order on it.
