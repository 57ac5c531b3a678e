//! The three truth values of SQL.

/// A truth value. In this order, AND is the lesser of two values, and OR the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    Null,
    True,
}

impl Truth {
    #[inline]
    pub(super) const fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Null => Self::Null,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    #[inline]
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl From<Option<bool>> for Truth {
    #[inline]
    fn from(holds: Option<bool>) -> Self {
        holds.map_or(Self::Null, Self::from)
    }
}
