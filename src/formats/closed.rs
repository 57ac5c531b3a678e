//! Closed enums.

/// Declares an enum together with `ALL`, the list of its variants in order of declaration.
///
/// Loops over `ALL` therefore never miss a variant, and a match over the enum lists them all or does not compile.
macro_rules! closed_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];
        }
    };
}

pub(crate) use closed_enum;
