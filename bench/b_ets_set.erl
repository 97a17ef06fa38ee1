%% A `set`: inserting, overwriting, looking up, counting and deleting, with integer and with tuple keys; one table scan.
-module(b_ets_set).
-export([run/0]).

run() -> lists:foldl(fun(_, _) -> once() end, none, lists:seq(1, 6)).

once() ->
    T = ets:new(t, []),
    fill(T, 100000),
    fill(T, 100000),
    Sum = sum(T, 100000, 0),
    count(T, 300000),
    Tuples = tuples(T, 50000, 0),
    Selected = length(ets:select(T, [{{'$1', '$2'}, [{is_integer, '$1'}, {'<', '$1', 5000}], ['$2']}])),
    delete(T, 100000),
    Size = ets:info(T, size),
    ets:delete(T),
    {Sum, Tuples, Selected, Size}.

fill(_, 0) -> ok;
fill(T, N) -> ets:insert(T, {N, N + 1}), fill(T, N - 1).

sum(_, 0, S) -> S;
sum(T, N, S) -> [{_, V}] = ets:lookup(T, N), sum(T, N - 1, S + V).

count(_, 0) -> ok;
count(T, N) -> ets:update_counter(T, (N band 1023) + 1, 1), count(T, N - 1).

tuples(_, 0, S) -> S;
tuples(T, N, S) ->
    Key = {N, node},
    ets:insert(T, {Key, [N, "text", {value, N}]}),
    [{_, [N | _]}] = ets:lookup(T, Key),
    tuples(T, N - 1, S + 1).

delete(_, 0) -> ok;
delete(T, N) -> ets:delete(T, N), delete(T, N - 1).
