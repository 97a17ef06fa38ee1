//! What can be wrong with a pattern: PCRE 8.44's texts, which `re:compile/2` hands to Erlang programs, and
//! which therefore are an interface.

/// A pattern that cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong.
    pub text: &'static str,
    /// Where, in bytes from the pattern's start.
    pub offset: usize,
}

pub const BACKSLASH_AT_END: &str = "\\ at end of pattern";
pub const CONTROL_AT_END: &str = "\\c at end of pattern";
pub const UNKNOWN_ESCAPE: &str = "unrecognized character follows \\";
pub const QUANTIFIER_ORDER: &str = "numbers out of order in {} quantifier";
pub const QUANTIFIER_SIZE: &str = "number too big in {} quantifier";
pub const CLASS_END: &str = "missing terminating ] for character class";
pub const CLASS_ESCAPE: &str = "invalid escape sequence in character class";
pub const RANGE_ORDER: &str = "range out of order in character class";
pub const NOTHING_TO_REPEAT: &str = "nothing to repeat";
pub const AFTER_GROUP: &str = "unrecognized character after (? or (?-";
pub const POSIX_OUTSIDE: &str = "POSIX named classes are supported only within a class";
pub const MISSING_PARENTHESIS: &str = "missing )";
pub const NO_SUCH_GROUP: &str = "reference to non-existent subpattern";
pub const COMMENT_END: &str = "missing ) after comment";
pub const TOO_LARGE: &str = "regular expression is too large";
pub const UNMATCHED: &str = "unmatched parentheses";
pub const AFTER_NAMED: &str = "unrecognized character after (?<";
pub const NOT_FIXED: &str = "lookbehind assertion is not fixed length";
pub const CONDITION: &str = "malformed number or name after (?(";
pub const CONDITION_BRANCHES: &str = "conditional group contains more than two branches";
pub const CONDITION_ASSERTION: &str = "assertion expected after (?( or (?(?C)";
pub const RECURSION_END: &str = "(?R or (?[+-]digits must be followed by )";
pub const POSIX_UNKNOWN: &str = "unknown POSIX class name";
pub const POSIX_COLLATING: &str = "POSIX collating elements are not supported";
pub const VALUE_TOO_LARGE: &str = "character value in \\x{} or \\o{} is too large";
pub const CONDITION_ZERO: &str = "invalid condition (?(0)";
pub const BYTE_IN_LOOKBEHIND: &str = "\\C not allowed in lookbehind assertion";
pub const UNSUPPORTED_ESCAPE: &str = "PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u";
pub const CALLOUT_NUMBER: &str = "number after (?C is > 255";
pub const CALLOUT_END: &str = "closing ) for (?C expected";
pub const ENDLESS_RECURSION: &str = "recursive call could loop indefinitely";
pub const AFTER_P: &str = "unrecognized character after (?P";
pub const NAME_END: &str = "syntax error in subpattern name (missing terminator)";
pub const NAME_TWICE: &str = "two named subpatterns have the same name";
pub const BAD_UTF8: &str = "invalid UTF-8 string";
pub const PROPERTY_SYNTAX: &str = "malformed \\P or \\p sequence";
pub const PROPERTY_UNKNOWN: &str = "unknown property name after \\P or \\p";
pub const NAME_LENGTH: &str = "subpattern name is too long (maximum 32 characters)";
pub const OCTAL_TOO_LARGE: &str = "octal value is greater than \\377 in 8-bit non-UTF-8 mode";
pub const DEFINE_BRANCHES: &str = "DEFINE group contains more than one branch";
pub const BACK_REFERENCE: &str =
    "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number";
pub const REFERENCE_ZERO: &str = "a numbered reference must not be zero";
pub const VERB_ARGUMENT: &str = "an argument is not allowed for (*ACCEPT), (*FAIL), or (*COMMIT)";
pub const VERB_UNKNOWN: &str = "(*VERB) not recognized or malformed";
pub const NUMBER_TOO_BIG: &str = "number is too big";
pub const NAME_EXPECTED: &str = "subpattern name expected";
pub const DIGIT_EXPECTED: &str = "digit expected after (?+";
pub const NAMES_OF_ONE: &str = "different names for subpatterns of the same number are not allowed";
pub const MARK_ARGUMENT: &str = "(*MARK) must have an argument";
pub const CONTROL_ASCII: &str = "\\c must be followed by an ASCII character";
pub const NAMED_REFERENCE: &str =
    "\\k is not followed by a braced, angle-bracketed, or quoted name";
pub const NOT_NEWLINE_IN_CLASS: &str = "\\N is not supported in a class";
pub const SURROGATE: &str = "disallowed Unicode code point (>= 0xd800 && <= 0xdfff)";
pub const VERB_NAME_LENGTH: &str = "name is too long in (*MARK), (*PRUNE), (*SKIP), or (*THEN)";
pub const UTF_DISABLED: &str = "setting UTF is disabled by the application";
pub const HEX_DIGIT: &str = "non-hex character in \\x{} (closing brace missing?)";
pub const OCTAL_DIGIT: &str = "non-octal character in \\o{} (closing brace missing?)";
pub const OCTAL_BRACE: &str = "missing opening brace after \\o";
pub const CLASS_RANGE: &str = "invalid range in character class";
pub const NAME_DIGIT: &str = "group name must start with a non-digit";
pub const DIGITS_MISSING: &str = "digits missing in \\x{} or \\o{}";
pub const TOO_COMPLICATED: &str = "regular expression is too complicated";
