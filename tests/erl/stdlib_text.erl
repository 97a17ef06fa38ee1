%% -*- coding: utf-8 -*-
%% OTP's own text modules: string, base64, erl_scan, erl_parse, calendar.
%% io_lib:format is not among them: it asks kernel's code server.
-module(stdlib_text).
-export([main/0]).
-include("show.hrl").

main() ->
    no_features(),
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
    ?SHOW(element(2, erl_eval:exprs(SumExprs, [{'N', 10}]))),
    ?SHOW(erl_scan:string("'unterminated")),
    ?SHOW(calendar:date_to_gregorian_days(2024, 2, 29)),
    ?SHOW(calendar:day_of_the_week(2024, 2, 29)),
    ?SHOW(calendar:gregorian_seconds_to_datetime(63876000000)).

%% erl_scan asks erl_features for the reserved words, and that asks init for its flags:
%% on a machine without init, say beforehand that no feature is enabled.
no_features() ->
    case persistent_term:get({erl_features, init_done}, false) of
        true -> ok;
        false ->
            [persistent_term:put({erl_features, Key}, Value)
             || {Key, Value} <- [{keywords, []}, {enabled_features, []}, {init_done, true}]],
            ok
    end.

flat(Text) -> lists:flatten(Text).
