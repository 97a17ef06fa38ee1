%% split, replace and global runs: what module re makes of single matches.
-module(re_module).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(re:split("a,b,,c", ",")),
    ?SHOW(re:split("a,b,,c", ",", [{return, list}])),
    ?SHOW(re:split("a,b,,c,", ",", [trim, {return, list}])),
    ?SHOW(re:split("a1b22c", "(\\d)+", [{return, list}])),
    ?SHOW(re:split("a1b22c", "(\\d)+", [group, {return, list}])),
    ?SHOW(re:split("abc", "", [{return, list}])),
    ?SHOW(re:split("a,b,c", ",", [{parts, 2}])),
    ?SHOW(re:split(<<"αxβ"/utf8>>, "x", [unicode, {return, list}])),
    ?SHOW(re:split([945, $x, 946], "x", [unicode])),
    ?SHOW(re:replace("abcabc", "b", "[&]")),
    ?SHOW(re:replace("abcabc", "b", "[&]", [global, {return, list}])),
    ?SHOW(re:replace("abc", "(a)(b)", "\\2\\1\\\\", [{return, binary}])),
    ?SHOW(re:replace("abc", "x*", "-", [global, {return, list}])),
    ?SHOW(re:replace(<<"grün"/utf8>>, <<"ü"/utf8>>, "ue", [unicode, {return, binary}])),
    ?SHOW(re:run("aXbXc", "X", [global])),
    ?SHOW(re:run("aXbXc", "(X)(.)", [global, {capture, all_but_first, list}])),
    ?SHOW(re:run("aXbXc", "y", [global])),
    ?SHOW(re:run("abc", "", [global])),
    ?SHOW(re:run("a\r\nb", "$", [global, multiline, {newline, anycrlf}])),
    ?SHOW(re:run([945, 946, 945], [945], [unicode, global])),
    ?SHOW(re:run([945, 946, 945], "(.)", [unicode, global, {capture, all, list}])),
    ?SHOW(re:run([945, 946], "\\x{3b2}", [unicode, {capture, all, list}])),
    {ok, Compiled} = re:compile("(?<two>b)|(?<one>a)", [caseless]),
    ?SHOW(re:run("xAB", id(Compiled), [{capture, all_names, list}])),
    ?SHOW(re:run("xAB", id(Compiled), [global, {capture, [one], binary}])),
    ?SHOW(re:inspect(id(Compiled), namelist)),
    ?SHOW(re:split("1a2b3", id(Compiled), [{return, list}])),
    %% A compiled pattern that has been somewhere else.
    Copied = binary_to_term(term_to_binary(id(Compiled))),
    ?SHOW(re:run("xAB", Copied)),
    Large = binary:copy(<<"0123456789">>, 100),
    {match, [Part]} = re:run(id(Large), "9.*1", [{capture, all, binary}]),
    ?SHOW(byte_size(Part)),
    ?SHOW(re:run(binary:part(Large, 5, 20), "01", [{capture, all, binary}])),
    ?SHOW(re:run(["ab", [<<"cd">> | <<"ef">>]], "d.", [{capture, all, binary}])).
