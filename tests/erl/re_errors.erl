%% Patterns that cannot be compiled, or nearly so: PCRE's texts and offsets; and wrong arguments of the functions of
%% module re.
-module(re_errors).
-export([main/0]).
-include("show.hrl").

main() ->
    [erlang:display({P, compiled(P, [])}) || P <- patterns()],
    [erlang:display({P, compiled(P, [unicode])}) || P <- unicode_patterns()],
    [erlang:display({P, compiled(P, [extended])}) || P <- ["a #b)", "( a", "a #", "(?#x", " * "]],
    arguments().

compiled(Pattern, Options) ->
    case re:compile(Pattern, Options) of
        {ok, {re_pattern, Groups, Unicode, CrLf, _}} -> {Groups, Unicode, CrLf};
        {error, Why} -> Why
    end.

patterns() ->
    ["[\\d-z]", "[[:digit:]-z]", "[a-\\d]", "[\\w-a]", "[a-[:digit:]]", "\\x{", "\\x{z}", "\\x{}",
     "\\x{100}", "\\xg", "\\x", "\\o{9}", "\\o{777}", "\\o", "\\o{", "\\o{}", "\\o{1", "\\400", "\\c", "\\c\200", "\\", "a**",
     "a{2}{3}", "*", "+a", "(?", "(?a", "(?<", "(?P", "(?Px", "(?<a", "(?<a>", "(?<1a>x)", "(?<>x)", "\\k<>",
     "\\k{a", "\\k<1>", "\\k", "\\kx", "\\k<a>", "\\k{a}", "\\k'a'", "(?P=1)", "(?P=a)", "(?P>a)", "(?&)", "(?&x", "(?&x)", "(?1", "(?1)", "(?+", "(?+a)",
     "(?-1)", "(?+1)", "(?0", "(?R", "(?Rx)", "(?C", "(?C256)", "(?C1)a", "(?C1", "(?#", "(?#a", "X+(?#a) ?", "X?(?#a)(?#b)?", "X+(?#a)\\E?", "X++(?#a)?", "X+(?#a", "[a", "[]", "[^]", "[b-a]", "[z-\\x20]",
     "a{2,1}", "a{99999}", "a{1,99999}", "a{65535}", "a{65536}", "(?<=a+)b", "(?<=a|bc+)", "(?<=a+|b)", "(?<!a*)", "(?<=\\R)", "(?<=\\X)",
     "(?<=(a)\\1)b", "(?<=(?1))(a)", "(?<=ab|c)", "(a)(?(1)a|b|c)", "(?(1)a", "(?()a)", "(?(a", "(?(0)a)",
     "(?(DEFINE)a|b)", "(?(DEFINE)a)", "(?(R)a)", "(?(R1)a)", "(?(<n>)a)", "(?(<n)a)", "(?('n')a)", "(?(n)a)", "(?(-1)a)", "(?(+1)a)(b)",
     "(?(?=a)b|c", "(?(?a)b)", "(?(?#a)b)", "(*FOO)", "(*MARK)", "(*ACCEPT:a)", "(*F", "(*F)", "(*:x)", "(*COMMIT:a)", "(*PRUNE:a)", "(*THEN:a)",
     "(*)", "(*a)", "(*UTF8", "(*CRLF)a", "(*ANY)a", "(*LF)a", "(*CR)a", "(*ANYCRLF)a", "a(*CRLF)", "(*BSR_UNICODE)(*CRLF)\\R", "(*LIMIT_MATCH=10)a", "(*LIMIT_MATCH=a)",
     "(a)(?<n>b)(?<n>c)", "(?|(?<a>x)|(?<b>y))", "(?|(?<a>x)|(?<a>y))", "(?J)(?<n>b)(?<n>c)", "\\p", "\\p{", "\\p{L", "\\p{^Lu}x", "\\pX",
     "\\p{Foo}", "\\p{}", "\\p{Greek}", "\\P{^L&}", "(?i", "(?i-", "(?iz)", "(?-i:a", "(?i)*", "(?i:)*", "\\g", "\\g{", "\\g{1", "\\g{a", "\\g<1", "\\g<1>",
     "\\g{-1}", "\\g-1", "\\g+1", "\\g'a'", "\\g<+1>(a)", "\\g0", "\\g{0}", "\\1", "(a)\\2", "\\8", "\\18", "\\81", "[[:alpha:]", "[:alpha:]", "[.a.]", "[[.a.]]", "[[=a=]]",
     "[[:foo:]]", "[[:^foo:]]", "[a[:foo:]]", "x)", "(x", "((x)", "(?:x", ")", "|", "a||b", "(?>a", "(?!", "\\N{a}", "\\N{2}", "\\Q", "\\Qa", "\\E", "\\E*", "a\\E*",
     "[\\N]", "[\\Q]", "[\\E]", "[a\\E-b]", "[\\R]", "[\\B]", "[\\X]", "[\\b]", "[\\c]", "[\\x]", "(?X)\\y", "(?X)[\\y]", "\\y", "\\l", "\\L", "\\u", "\\U", "[\\l]",
     "(?<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>x)", "(?<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>x)", "\\99999999999", "\\g99999999999", "(?99999999999)", "(?(99999999999)a)", "a{,3}", "a{", "{1}", "x{1}{",
     "^*", "$+", "\\b+", "\\b*", "\\A?", "(?=a)*", "(?!a)+", "(?<=a){2}", "()*", "(?:)*", "(?R)", "a(?R)", "(a|(?1))", "((?1))", "(a(?1)?)", "(?1)(a)", "a|(?R)b", "(?:a|(?R))*", "()(?1)", "(a*(?1))",
     "(|a(?1))(?2)?(b)", "\0", "a\0(", "[a-\\E-c]", "[a-\\Qz\\E]", "[\\Qa]\\E]", "[a\\]", "[a-", "[a-]", "[-a]", "[]-a]", "[^]a]", "[[]", "[[:]", "[[:a]", "[a-c-e]", "[\\d-]"].

unicode_patterns() ->
    ["\\x{d800}", "\\x{110000}", "\\x{10ffff}", "\\x{ffff}", "\\o{4177777}", "\\o{4200000}", "\\377", "\\777", "\\p{Han}",
     "[\\x{400}-\\x{300}]", "(?<=\\C)", "(?<!a\\C)", <<255>>, <<"a", 16#c3>>, <<16#ed, 16#a0, 16#80>>, [16#20ac, $*, $*],
     "(?<", "[å", "é{2}{2}"].

arguments() ->
    ?SHOW(element(1, re:compile([lists:duplicate(798, $(), lists:duplicate(798, $))]))),
    ?SHOW(re:compile([lists:duplicate(799, $(), lists:duplicate(799, $))])),
    ?TRY(re:compile(foo)),
    ?TRY(re:compile("a", [global])),
    ?TRY(re:compile("a", [caseless | foo])),
    ?TRY(re:compile("a", [{newline, foo}])),
    ?TRY(re:compile("a", [unicode, never_utf])),
    ?TRY(re:compile([256])),
    ?TRY(re:run(foo, "a")),
    ?TRY(re:run("a", foo)),
    ?TRY(re:run("a", "(a")),
    ?TRY(re:run("a", "(a", [report_errors])),
    ?TRY(re:run("a", {re_pattern, 0, 0, 0, <<"not a program">>})),
    ?TRY(re:run("a", {re_pattern, 0, 0, 0, <<>>})),
    ?TRY(re:run("a", {re_pattern, 0, 0, 0})),
    ?TRY(re:run("a", {re_pattern, 0, 0, 0, foo})),
    ?TRY(re:run("a", "a", [foo])),
    ?TRY(re:run("a", "a", [{offset, -1}])),
    ?TRY(re:run("a", "a", [{offset, foo}])),
    ?TRY(re:run("a", "a", [{match_limit, foo}])),
    ?TRY(re:run("a", "a", [{capture, foo}])),
    ?TRY(re:run("a", "a", [{capture, all, foo}])),
    ?TRY(re:run("a", "a", [{capture, [a | b]}])),
    ?TRY(re:run("a", "a", [{capture, [{a}]}])),
    ?TRY(re:run("a", "a", [{capture, [-1]}])),
    ?TRY(re:run(<<1:3>>, "a", [])),
    ?TRY(re:run(<<97, 255>>, "a", [unicode])),
    ?TRY(re:run(<<"aé"/utf8>>, "a", [unicode, {offset, 2}])),
    ?TRY(re:run([300], "a", [])),
    ?TRY(re:run([300], "a", [unicode])),
    {ok, Compiled} = re:compile("a"),
    ?TRY(re:run("a", id(Compiled), [{newline, crlf}])),
    ?TRY(re:inspect(id(Compiled), foo)),
    ?TRY(re:inspect(foo, namelist)),
    ?TRY(re:inspect({re_pattern, 0, 0, 0, <<"not a program">>}, namelist)),
    ?TRY(re:internal_run("a", "a", [], foo)),
    ?TRY(re:internal_run("a", "a", [], true)),
    ?TRY(re:split("a", "(a")),
    ?TRY(re:replace("a", "(a", "b")),
    %% The syntax and semantics of this PCRE, if not its code.
    ?TRY(binary:part(re:version(), 0, 7)),
    %% Compile options are refused for what is compiled.
    try re:run("a", id(Compiled), [caseless])
    catch error:Reason:Stack -> erlang:display({Reason, element(1, hd(Stack)), element(2, hd(Stack))})
    end.
