%% Strings as lists: tokens, numbers to text and back, reversing, searching, case.
-module(b_strings).
-export([run/0]).

run() ->
    Line = lists:flatten([["field", integer_to_list(N), $=, integer_to_list(N * N), $,] || N <- lists:seq(1, 200)]),
    loop(3500, Line, 0).

loop(0, _, Sum) -> Sum;
loop(N, Line, Sum) ->
    Tokens = string:lexemes(Line, ","),
    Values = [list_to_integer(Value) || Token <- Tokens, [_, Value] <- [string:split(Token, "=")]],
    Joined = lists:join($;, [integer_to_list(Value + N) || Value <- Values]),
    Text = string:uppercase(lists:reverse(lists:flatten(Joined)) ++ Line),
    Formatted = io_lib:format("~p ~s ~w~n", [N, lists:sublist(Text, 20), hd(Values)]),
    loop(N - 1, Line, Sum + length(Text) + erlang:phash2(lists:flatten(Formatted), 1000)).
