%% Regular expressions: what matches, and which groups. A line for each pattern, set of options and subject.
-module(re_patterns).
-export([main/0]).

main() ->
    [show(P, O, S) || {P, O, Ss} <- cases(), S <- Ss].

show(Pattern, Options, Subject) ->
    Outcome = try re:run(Subject, Pattern, [report_errors | Options])
              catch Class:Reason -> {Class, Reason}
              end,
    erlang:display({Pattern, Options, Subject, Outcome}).

cases() ->
    characters() ++ repetition() ++ groups() ++ lookaround() ++ conditions() ++ recursion() ++ verbs()
        ++ lines() ++ unicode() ++ starts() ++ used_by_otp().

characters() ->
    [{"abc", [], ["abc", "xabcy", "ab", "", "ABC"]},
     {"abc", [caseless], ["ABC", "xAbCy"]},
     {"[a-c]+", [], ["xxabcabx", "x"]},
     {"[^a-c]+", [], ["abcxyz", "abc"]},
     {"[]a]+|[^]a]+", [], ["]a]", "bc]"]},
     {"[a\\-z]+", [], ["a-z", "b"]},
     {"[\\d\\-z]+-", [], ["12-z-", "ab"]},
     {"\\d+\\s\\w+", [], ["12 ab_c", "12ab"]},
     {"\\D\\S\\W", [], ["a1 ", "1a "]},
     {"\\w+", [], [<<"caf", 233, "!">>, <<181, 186, 215>>]},
     {<<233, 201>>, [caseless], [<<201, 233>>]},
     {"[[:alpha:]]+[[:digit:]]*[[:^space:]]", [], ["abc123 ", "abc123x"]},
     {"[[:punct:]]+", [], ["a.,;b", "ab"]},
     {"\\x41\\x{42}\\103\\o{104}\\t\\n\\e\\cA", [], [<<"ABCD\t\n\e", 1>>]},
     {"\\Qa.b*\\Ec", [], ["a.b*c", "axbbc"]},
     {"a.c", [], ["abc", "a\nc", "a\rc"]},
     {"a.c", [dotall], ["a\nc"]},
     {"\\h\\v\\H\\V", [], [<<" \nab">>, <<160, 133, "ab">>]},
     {"\\N+", [dotall], ["ab\nc"]},
     {"a\\Cc", [], [<<"a", 200, "c">>]},
     {"(?i)a(?-i)b", [], ["Ab", "AB"]},
     {"(?i:a)b|(?x) c  d # comment\n e", [], ["Ab", "AB", "cde"]},
     {"a b\\ c[ ]", [extended], ["ab c ", "a b c "]},
     {"", [], ["", "abc"]},
     {"a||b", [], ["b", "xa"]}].

repetition() ->
    [{"a*b", [], ["aaab", "b", "aaa"]},
     {"a+?", [], ["aaa"]},
     {"a{2,3}", [], ["aaaa", "a"]},
     {"a{2,3}?", [], ["aaaa"]},
     {"a{2}", [], ["aaaa"]},
     {"a{,2}", [], ["a{,2}", "aa"]},
     {"a++a", [], ["aaa"]},
     {"a*+b", [], ["aaab"]},
     {"(?>a+)b", [], ["aaab", "aaa"]},
     {"(?>a|ab)c", [], ["abc", "ac"]},
     {"(a|ab)(c|bcd)(d*)", [], ["abcd"]},
     {"(a*)*", [], ["aaa", "b"]},
     {"(a*)+", [], ["aaa", "b"]},
     {"(a|b)*?c", [], ["ababc"]},
     {"(a?){3}", [], ["aa", ""]},
     {"(a|(b)){2,4}c", [], ["abc", "bac", "abababc"]},
     {"(?:a|b?){2,}?c", [], ["c", "abc"]},
     {"(|a)+", [], ["aaa"]},
     {"(a{0,2}b){2,3}", [], ["aababb", "bbb"]},
     {".*foo", [], ["xfooxfoox"]},
     {".*?foo", [], ["xfooxfoox"]},
     {"(.+?)(\\d+)", [], ["abc123"]},
     {"x*", [ungreedy], ["xxx"]},
     {"x*?", [ungreedy], ["xxx"]},
     {"[ab]*?c|[^c]{3}", [], ["ababc", "abd"]},
     {"\\d{1,3}(?:\\.\\d{1,3}){3}", [], ["at 192.168.1.254:80"]},
     {"^(?:[a-z]+[0-9]*)+$", [], ["abc123def", "abc-"]}].

groups() ->
    [{"(a)(b)?(c)?", [], ["a", "ab", "abc", "ac"]},
     {"(a)|(b)|(c)", [], ["c", "b", "a"]},
     {"(?:a(b))+", [], ["abab"]},
     {"(?<x>a)(?P<y>b)(?'z'c)", [{capture, all_names, list}], ["abc"]},
     {"(?<z>a)(?<a>b)", [{capture, [z, "a", <<"none">>, 0, 7], binary}], ["ab"]},
     {"(a)(b)", [{capture, all_but_first, list}], ["ab"]},
     {"(a)(b)", [{capture, first, binary}], ["ab"]},
     {"(a)(b)", [{capture, none}], ["ab", "x"]},
     {"(a)(b)", [{capture, []}], ["ab"]},
     {"(a)|(b)", [{capture, [1, 2], index}], ["b"]},
     {"(?<n>a)|(?<n>b)", [dupnames, {capture, [n], list}], ["a", "b"]},
     {"(?<n>a)|(?<n>b)", [dupnames, {capture, all_names, index}], ["a", "b"]},
     {"(?J)(?<n>a)|(?<n>b)", [{capture, all_names, index}], ["a", "b"]},
     {"(?|(a)|(b))(c)\\1", [], ["aca", "bcb", "acb"]},
     {"(?|(?<n>a)|(?<n>b))\\k<n>", [], ["aa", "bb", "ab"]},
     {"(a)\\1", [], ["aa", "ab"]},
     {"(a)\\1", [caseless], ["aA"]},
     {"(?<q>['\"]).*?\\k{q}", [], ["say \"it's\"", "'a"]},
     {"(a)(b)\\g{-1}\\g1\\g{-2}", [], ["abbaa"]},
     {"(?P<n>a)(?P=n)", [], ["aa"]},
     {"(a\\1?){4}", [], ["aaaa", "aaaaaaaaaa"]},
     {"(?:(a)|b)*\\1", [], ["abab", "aba"]},
     {"(a)(b)", [no_auto_capture], ["ab"]},
     {"(?<n>a)(b)", [no_auto_capture], ["ab"]},
     {"\\11(a)", [], ["\ta"]},
     {"a\\Kb", [], ["ab"]},
     {"(?=ab\\K)", [], ["ab"]}].

lookaround() ->
    [{"a(?=b)", [], ["ab", "ac"]},
     {"a(?!b)", [], ["ab", "ac"]},
     {"(?<=a)b", [], ["ab", "cb"]},
     {"(?<!a)b", [], ["ab", "cb"]},
     {"(?<=ab|c)d", [], ["abd", "cd", "bd"]},
     {"(?=(a+))a*b\\1", [], ["baaabac"]},
     {"(?!(a))b", [], ["b"]},
     {"(?<=(?<!foo)bar)baz", [], ["abarbaz", "foobarbaz"]},
     {"^(?=.*\\d)(?=.*[a-z]).{4,}$", [], ["ab12", "abcd", "1a"]},
     {"\\bfoo\\b", [], ["a foo b", "afoo"]},
     {"\\Boo", [], ["foo"]},
     {"[[:<:]]b.*?[[:>:]]", [], ["ab bc d"]},
     {"(?<=^|,)[^,]*", [], ["a,b"]}].

conditions() ->
    [{"(a)?(?(1)b|c)", [], ["ab", "c", "b"]},
     {"(?<n>a)?(?(<n>)b|c)", [], ["ab", "c"]},
     {"(?<n>a)?(?('n')b)", [], ["ab", "c"]},
     {"(?<n>a)?(?(n)b|c)d", [], ["abd", "cd"]},
     {"(?(?=a)ab|cd)", [], ["ab", "cd", "ad"]},
     {"(?(?!a)cd|ab)", [], ["ab", "cd"]},
     {"(?(?<=x)a|b)", [], ["xa", "b"]},
     {"(\\()?a(?(1)\\))", [], ["(a)", "a", "(a"]},
     {"(a)?(?(-1)b|c)", [], ["ab", "c"]},
     {"(?(DEFINE)(?<d>\\d+))(?&d)-(?&d)", [], ["12-34"]}].

recursion() ->
    [{"\\((?:[^()]++|(?R))*\\)", [], ["x(a(b)c)y", "((a)"]},
     {"(\\((?:[^()]|(?1))*\\))", [], ["((a)(b))"]},
     {"^(?<p>(.)(?&p)\\2|.?)$", [], ["abcba", "abcb"]},
     {"^(?:((.)(?1)\\2|)|((.)(?3)\\4|.))$", [], ["abba", "aba"]},
     {"(a(?:(?1)|)b)", [], ["aabb", "aab"]},
     {"(?<n>a|b(?P>n)c)+", [], ["bbaccabac"]},
     {"(\\w)\\g<1>", [], ["ab"]},
     {"(?:a(?R)?b)", [], ["aaabbb"]},
     {"(?(R)a|b(?R))", [], ["ba"]}].

verbs() ->
    [{"a+b?(*COMMIT)c", [], ["aaabaaac", "aabc"]},
     {"a+b?(*PRUNE)c", [], ["aaabaaac"]},
     {"a+b?(*SKIP)c", [], ["aaabaaac"]},
     {"a(*MARK:x)a+(*SKIP:x)c|a", [], ["aaab"]},
     {"(?:a(*THEN)x|ab)", [], ["ab"]},
     {"^.*?(?:a(*THEN)b|(*F))c", [], ["aabc"]},
     {"^(?(?=a(*THEN)b)ab|ac)", [], ["ac"]},
     {"X+(?#comment)?", [], ["XX"]},
     {"X+(?#comment)+X", [], ["XX"]},
     {"X+ (?#comment)?", [extended], ["XX"]},
     {"(X)+(?#a)(?#b)X", [], ["XX"]},
     {"^(?(?!a(*THEN)b)ac|ab)", [], ["ac"]},
     {"^(?:a+(?=b?(*THEN)(?:b|ab))|a)", [], ["aab"]},
     {"a(*ACCEPT)b", [], ["ac"]},
     {"(a(*ACCEPT)b)c", [], ["ab"]},
     {"a(*F)|b", [], ["ab"]},
     {"(*COMMIT)abc", [], ["xyzabc"]},
     {"(*COMMIT)abc", [no_start_optimize], ["xyzabc"]},
     {"(?=a(*COMMIT)b)ab|ac", [], ["ac"]},
     {"(?!a(*COMMIT)b)ac|ad", [], ["ac", "ad"]}].

lines() ->
    [{"^b", [], ["a\nb"]},
     {"^b", [multiline], ["a\nb", "a\rb"]},
     {"^b", [multiline, {newline, cr}], ["a\nb", "a\rb"]},
     {"^b", [multiline, {newline, any}], [<<"a", 133, "b">>, "a\r\nb"]},
     {"a$", [], ["a", "a\n", "a\n\n", "a\nb"]},
     {"a$", [dollar_endonly], ["a", "a\n"]},
     {"a$", [multiline], ["a\nb"]},
     {"a$", [{newline, crlf}], ["a\r\n", "a\n", "a\r"]},
     {"a$", [{newline, anycrlf}], ["a\r\n", "a\n", "a\r"]},
     {".+", [{newline, crlf}], ["a\nb\r\nc"]},
     {".+", [{newline, any}], [<<"a\vb">>]},
     {"a\\Rb", [], ["a\nb", "a\r\nb", <<"a", 133, "b">>]},
     {"a\\Rb", [bsr_anycrlf], ["a\r\nb", <<"a", 133, "b">>]},
     {"a\\R{2}b", [], ["a\r\n\nb", "a\r\nb"]},
     {"\\Aa\\z|\\Ab\\Z", [], ["a", "a\n", "b\n"]},
     {"^a", [notbol], ["a"]},
     {"a$", [noteol], ["a"]},
     {"b", [firstline], ["a\nb", "ab\n"]},
     {"^$", [multiline], ["a\n\nb", "\n", "a\n"]},
     {"(*CRLF)^a.b$", [multiline], ["x\r\na\nb\r\ny"]},
     {"(*ANYCRLF)(?m)^a", [], ["x\ra"]}].

unicode() ->
    Text = <<"Grüße, Мир! ΑΒΓ αβγ 漢字 𝒳"/utf8>>,
    [{<<"ü.e"/utf8>>, [unicode], [Text]},
     {<<"[α-ω]+"/utf8>>, [unicode], [Text]},
     {<<"[α-ω]+"/utf8>>, [unicode, caseless], [Text]},
     {<<"мир"/utf8>>, [unicode, caseless], [Text]},
     {<<"\\w+"/utf8>>, [unicode], [Text]},
     {<<"\\w+, \\w+"/utf8>>, [unicode, ucp], [Text]},
     {"\\p{Lu}\\p{Ll}+", [unicode], [Text]},
     {"\\p{Greek}+", [unicode], [Text]},
     {"\\p{Han}{2}", [unicode], [Text]},
     {"\\P{L}+", [unicode], [Text]},
     {"[\\p{Cyrillic}!]+", [unicode], [Text]},
     {"[^\\p{L}\\s]", [unicode], [Text]},
     {"\\x{1d4b3}", [unicode], [Text]},
     {".$", [unicode], [Text]},
     {".{3}$", [unicode], [Text]},
     {"(?<=.{2})!", [unicode], [Text]},
     {"\\X", [unicode], [<<"e", 16#301/utf8, "x">>, <<"한글"/utf8>>]},
     {"\\bα", [unicode], [Text]},
     {"\\b\\x{3b1}", [unicode, ucp], [Text]},
     {[1052, 1080], [unicode, {capture, all, list}], [Text]},
     {"k", [unicode, caseless], [<<16#212a/utf8>>]},
     {"[s-t]", [unicode, caseless], [<<16#17f/utf8>>]},
     {<<"ß"/utf8>>, [unicode, caseless], [<<"ẞ"/utf8>>, "SS"]},
     {<<"(.)\\1"/utf8>>, [unicode, caseless], [<<"αΑ"/utf8>>]},
     {"(*UTF8)\\x{fc}", [], [Text]},
     {".", [unicode, {offset, 3}], [Text]}].

starts() ->
    [{"b", [{offset, 2}], ["abab", "ab"]},
     {"\\Gb", [{offset, 1}], ["ab", "aab"]},
     {"^b", [{offset, 1}], ["ab"]},
     {"(?<=a)b", [{offset, 1}], ["ab"]},
     {"b", [anchored], ["ab", "ba"]},
     {"b*", [notempty], ["aab", "aa"]},
     {"b*", [notempty_atstart], ["aab", "b"]},
     {"a?", [notempty_atstart, anchored], ["b", "a"]}].

%% Patterns of OTP's own modules.
used_by_otp() ->
    [{"\e\\[[0-9;:]*[A-Za-z]|\e][^\a\e]*(?:\a|\e\\\\)", [unicode], [<<"a\e[1;31mred\e[0m">>, <<"\e]0;title\a">>]},
     {"^(?:\e\\[|\233)(?:[0-9;]*)R", [], ["\e[12;40R", "x"]},
     {"^([a-z0-9_]+)@([^.]+(?:\\..+)?)$", [], ["node@host.example.org", "node@"]},
     {"^\\s*([^:]+):\\s*(.*?)\\s*$", [], ["Content-Type:  text/plain  "]},
     {"([^/]*)/([^/]*)$", [], ["/usr/lib/erlang"]},
     {"^OTP-(\\d+)(?:\\.(\\d+))*", [], ["OTP-25.2.3"]},
     {"^(\"(?:\\\\.|[^\"\\\\])*\"|[^ ]+) *", [], ["\"a \\\" b\" c", "ab c"]},
     {"[ \\t]+$", [multiline], ["a  \nb\t"]}].
