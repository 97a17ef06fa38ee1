%% Patterns that would take for ever: the limits of matching, and that the machine goes on.
%% gcstress: small
-module(re_limits).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(100000).
main([small]) -> run(1000).

run(Size) ->
    Many = lists:duplicate(33, $a) ++ "z",
    ?SHOW(re:run(id(Many), "(a+)*zz", [report_errors])),
    ?SHOW(re:run(id(Many), "(a+)*zz", [])),
    ?SHOW(re:run(id(Many), "(a+)*zz", [{match_limit, 3}, report_errors])),
    ?SHOW(re:run(id(Many), "(a+)*zz", [{match_limit, 3}])),
    ?SHOW(re:run(id(Many), "(a+)*zz", [{match_limit_recursion, 3}, report_errors])),
    ?SHOW(re:run(id(Many), "(*LIMIT_MATCH=3)(a+)*zz", [report_errors])),
    %% The byte that is required is not there: no search at all.
    ?SHOW(re:run(id(Many), "(a+)*y", [report_errors])),
    Deep = binary:copy(<<"ab">>, Size),
    ?SHOW(re:run(id(Deep), "^(?:a|b)*$", [{capture, first}])),
    ?SHOW(re:run(id(Deep), "^(?:ab)+?$", [{capture, first}])),
    ?SHOW(byte_size(iolist_to_binary(re:replace(id(Deep), "ab", "c", [global])))),
    ?SHOW(length(re:split(binary:part(Deep, 0, 2 * min(Size, 1000)), "a"))),
    Nested = [lists:duplicate(1000, $(), $x, lists:duplicate(1000, $))],
    ?SHOW(re:run(id(Nested), "\\((?:[^()]++|(?R))*\\)")).
