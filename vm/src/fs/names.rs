//! How the bytes of file names are read: the encoding, and what to do with names that are wrong in it.
//!
//! OTP decides by the locale of its environment and the flags `+fnl`, `+fnu`; so do we. The file system proposes
//! ([`super::FileSystem::native_names`]), flags have the last word (`Machine::native_names`).

/// Encodings of file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A byte is a character.
    Latin1,
    /// UTF-8.
    Utf8,
}

/// What becomes of a name in a directory that is wrong in the encoding: the last letter of `+fnu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is left out, and the logger says so (`w`).
    Warn,
    /// It is left out (`i`).
    Ignore,
    /// It is an error (`e`).
    Error,
}

/// How the bytes of file names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeNames {
    /// Their encoding.
    pub encoding: Encoding,
    /// What becomes of others.
    pub invalid: Invalid,
}

impl NativeNames {
    /// UTF-8, with a warning for names that are wrong.
    pub const UTF8: NativeNames = NativeNames {
        encoding: Encoding::Utf8,
        invalid: Invalid::Warn,
    };

    /// What OTP takes a locale for; `locale` is the first of the variables `LC_ALL`, `LC_CTYPE`, `LANG` that is not empty.
    pub fn of_locale(locale: &str) -> NativeNames {
        // language[_territory][.codeset][@modifier]
        let codeset = locale.split('@').next().and_then(|l| l.split_once('.'));
        let codeset = codeset.map_or("", |(_, codeset)| codeset);
        let is_utf8 = codeset.eq_ignore_ascii_case("utf-8") || codeset.eq_ignore_ascii_case("utf8");
        NativeNames {
            encoding: match is_utf8 {
                true => Encoding::Utf8,
                false => Encoding::Latin1,
            },
            invalid: Invalid::Warn,
        }
    }

    /// What the flag `+fn...` says, given without the `+fn`: `l`, `u`, `uw`, `ui`, `ue`; `None` for others. `a` leaves it to the
    /// locale, so it changes only what becomes of wrong names.
    pub fn with_flag(self, flag: &str) -> Option<NativeNames> {
        let mut letters = flag.chars();
        let encoding = match letters.next()? {
            'l' => Encoding::Latin1,
            'u' => Encoding::Utf8,
            'a' => self.encoding,
            _ => return None,
        };
        let invalid = match letters.next() {
            None | Some('w') => Invalid::Warn,
            Some('i') => Invalid::Ignore,
            Some('e') => Invalid::Error,
            Some(_) => return None,
        };
        letters
            .next()
            .is_none()
            .then_some(NativeNames { encoding, invalid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_say_the_encoding() {
        for locale in ["C.UTF-8", "de_DE.utf8", "en_US.UTF-8@euro"] {
            assert_eq!(NativeNames::of_locale(locale).encoding, Encoding::Utf8);
        }
        for locale in ["", "C", "POSIX", "de_DE", "de_DE.ISO-8859-1", "utf8"] {
            assert_eq!(NativeNames::of_locale(locale).encoding, Encoding::Latin1);
        }
    }

    #[test]
    fn flags_say_more() {
        let utf8 = NativeNames::UTF8;
        assert_eq!(utf8.with_flag("l").unwrap().encoding, Encoding::Latin1);
        assert_eq!(utf8.with_flag("ue").unwrap().invalid, Invalid::Error);
        assert_eq!(utf8.with_flag("ai").unwrap().invalid, Invalid::Ignore);
        assert_eq!(utf8.with_flag("uw"), Some(utf8));
        for wrong in ["", "x", "ux", "uww"] {
            assert_eq!(utf8.with_flag(wrong), None);
        }
    }
}
