%% -*- coding: utf-8 -*-
%% OTP's own text modules: string, io_lib, base64, erl_scan, erl_parse, erl_eval, erl_pp, calendar.
%% Nothing is formatted that io_lib refuses: before it fails, it asks the code server of kernel.
-module(stdlib_text).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(string:uppercase(id("hello"))),
    ?SHOW(string:titlecase(id("hello"))),
    ?SHOW(string:trim(id("  both  "))),
    ?SHOW(string:split(id("a,b,c"), ",", all)),
    ?SHOW(string:lexemes(id("the quick  fox"), " ")),
    ?SHOW(string:pad(id("x"), 4, leading, $0)),
    ?SHOW(string:length(id("日本語"))),
    ?SHOW(string:reverse(id("abc"))),
    ?SHOW(string:find(id("haystack needle"), "need")),
    ?SHOW(string:replace(id("a-b-c"), "-", "+", all)),
    ?SHOW(string:slice(id("abcdef"), 2, 3)),
    ?SHOW(string:to_integer(id("42 rest"))),
    ?SHOW(string:to_float(id("4.5e1x"))),
    ?SHOW(string:equal(id("É"), "é", true)),
    ?SHOW(string:casefold(id("GROSS"))),
    ?SHOW(string:tokens(id("a b  c"), " ")),
    ?SHOW(flat(io_lib:format("~w ~p ~s ~w~n", [id({a, [1, 2]}), "text", "str", atom]))),
    ?SHOW(flat(io_lib:format("~5w|~-5w|~5.2f|~e|~g", [id(42), 42, 3.14159, 1.5, 2.5]))),
    ?SHOW(flat(io_lib:format("~b ~B ~.16b ~.2B ~.16#", [id(10), 11, 255, 5, 255]))),
    ?SHOW(flat(io_lib:format("~p", [lists:seq(1, 40)]))),
    ?SHOW(flat(io_lib:format("~p", [#{key => "value", nested => #{list => [<<"bin">>, 1.5, self_ref]}}]))),
    ?SHOW(flat(io_lib:format("~ts ~tp", [id("日本"), "é"]))),
    ?SHOW(flat(io_lib:format("~c~3c ~~ ~i~w", [id($a), $b, ignored, 'quoted atom']))),
    ?SHOW(flat(io_lib:format("~P", [id(lists:seq(1, 100)), 10]))),
    ?SHOW(flat(io_lib:write({a, "b", <<1>>, 2.0}))),
    ?SHOW(io_lib:fread("~d ~s", "12 abc")),
    ?SHOW(io_lib:printable_list(id("abc"))),
    ?SHOW(base64:encode(id(<<"some bytes to encode">>))),
    ?SHOW(base64:decode(id(<<"c29tZSBieXRlcw==">>))),
    ?SHOW(base64:encode_to_string(id("ab"))),
    {ok, Tokens, _} = erl_scan:string("X = foo(1, \"s\", [a | B]) + 2.5."),
    ?SHOW(Tokens),
    {ok, Exprs} = erl_parse:parse_exprs(Tokens),
    ?SHOW(Exprs),
    {ok, Sum, _} = erl_scan:string("lists:sum([X * X || X <- lists:seq(1, N)])."),
    {ok, SumExprs} = erl_parse:parse_exprs(Sum),
    ?SHOW(flat(erl_pp:exprs(Exprs))),
    ?SHOW(element(2, erl_eval:exprs(SumExprs, [{'N', 10}]))),
    ?SHOW(erl_scan:string("'unterminated")),
    ?SHOW(calendar:date_to_gregorian_days(2024, 2, 29)),
    ?SHOW(calendar:day_of_the_week(2024, 2, 29)),
    ?SHOW(calendar:gregorian_seconds_to_datetime(63876000000)).

flat(Text) -> lists:flatten(Text).
