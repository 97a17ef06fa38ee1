%% Literals of the module's own area: large ones, shared ones, in messages, across collections.
-module(literals).
-export([main/0]).
-include("show.hrl").

-define(TABLE, #{one => [1, "eins", <<"un">>], two => {2, 2.0, 'zwei'}, three => #{nested => [a, b | c]}, 4 => 18446744073709551616, "five" => 5.5}).

main() ->
    ?SHOW(?TABLE),
    ?SHOW(map_get(two, ?TABLE)),
    ?SHOW(element(2, map_get(two, ?TABLE))),
    ?SHOW(table() =:= ?TABLE),
    Changed = (table())#{one := changed},
    ?SHOW(Changed),
    ?SHOW(table() =:= Changed),
    Mixed = [table(), id(fresh) | table()],
    erlang:garbage_collect(),
    ?SHOW(Mixed),
    Self = self(),
    spawn(fun() -> Self ! {table(), {made, id(1), table()}} end),
    ?SHOW(receive {A, {made, 1, B}} -> {A =:= B, A =:= table()} end),
    put(kept, table()),
    [erlang:garbage_collect() || _ <- [1, 2, 3]],
    ?SHOW(get(kept) =:= table()),
    ?SHOW(erlang:phash2(table())),
    ?SHOW(setelement(2, {literal, x, y}, id(z))),
    ?SHOW("prefix " ++ id("suffix")),
    ?SHOW(lists:sort(id(["c", "a", "b"]))),
    ?SHOW(<<"literal binary of more than sixty-four bytes, so that it lives off the heap: 0123456789">>),
    ?SHOW(long_binary(3)),
    ?SHOW([f(N) || N <- [1, 2, 3]]),
    ?SHOW(floats()),
    ?SHOW(bigs()),
    ?SHOW(id([0.0, -0.0, 1.0e-300, 123456789.123456789])),
    ?SHOW(catch throw([literal, {thrown, "out"}])),
    {_, Ref} = spawn_monitor(fun() -> exit({literal, [exit, "reason"]}) end),
    ?SHOW(receive {'DOWN', Ref, _, _, Reason} -> Reason end).

table() -> ?TABLE.

long_binary(N) ->
    B = <<"another literal binary of more than sixty-four bytes, matched and taken apart in place">>,
    <<_:N/binary, Part:20/binary, _/binary>> = B,
    {Part, byte_size(B)}.

f(1) -> [list, with, "literals", {1, 2.5}];
f(2) -> {tuple, [with], <<"literals">>};
f(3) -> #{map => {with, [literals]}}.

floats() -> {1.5, [2.5, {3.5}], id(4.5) + 1.5}.

bigs() -> [100000000000000000000, -100000000000000000000, id(1) + 100000000000000000000].
