//! One account: its money, its bets and what they may lose.
