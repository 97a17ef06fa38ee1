%% The external term format: terms of all kinds, encoded and decoded; one of them compressed.
-module(b_etf).
-export([run/0]).

run() ->
    Record = {person, 4711, <<"Some Name">>, "a string", [1, 2, 3, 300, 70000, -5], #{age => 42, tags => [a, b, c]}, 3.25, {nested, {tuple, [deep]}}},
    Many = [setelement(2, Record, N) || N <- lists:seq(1, 20000)],
    Small = small(400000, Record, 0),
    Large = lists:sum([large(Many) || _ <- lists:seq(1, 8)]),
    Packed = term_to_binary(Many, [{compressed, 1}]),
    {Small, Large, length(binary_to_term(Packed))}.

small(0, _, Sum) -> Sum;
small(N, Record, Sum) ->
    Copy = binary_to_term(term_to_binary(Record)),
    small(N - 1, Record, Sum + element(2, Copy)).

large(Many) ->
    Binary = term_to_binary(Many),
    length(binary_to_term(Binary)) + byte_size(Binary).
