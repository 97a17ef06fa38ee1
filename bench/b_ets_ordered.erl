%% An `ordered_set`: inserting in no order, looking up, walking, selecting ranges, deleting.
-module(b_ets_ordered).
-export([run/0]).

-define(KEYS, 100000).

run() -> lists:foldl(fun(_, _) -> once() end, none, lists:seq(1, 8)).

once() ->
    T = ets:new(t, [ordered_set]),
    fill(T, ?KEYS, 1),
    Sum = sum(T, ?KEYS, 1, 0),
    Walked = walk(T, ets:first(T), 0),
    tuples(T, 300, 100),
    Ranges = ranges(T, 300, 0),
    delete(T, ?KEYS, 1),
    Size = ets:info(T, size),
    ets:delete(T),
    {Sum, Walked, Ranges, Size}.

%% All keys below ?KEYS, each once.
next(K) -> (K + 61803) rem ?KEYS.

fill(_, 0, _) -> ok;
fill(T, N, K) -> ets:insert(T, {K, N}), fill(T, N - 1, next(K)).

sum(_, 0, _, S) -> S;
sum(T, N, K, S) -> [{_, V}] = ets:lookup(T, K), sum(T, N - 1, next(K), S + V).

walk(_, '$end_of_table', S) -> S;
walk(T, K, S) -> walk(T, ets:next(T, K), S + 1).

tuples(_, 0, _) -> ok;
tuples(T, A, B) -> [ets:insert(T, {{A, I}, x}) || I <- lists:seq(1, B)], tuples(T, A - 1, B).

ranges(_, 0, S) -> S;
ranges(T, A, S) -> ranges(T, A - 1, S + length(ets:match(T, {{A, '$1'}, '_'}))).

delete(_, 0, _) -> ok;
delete(T, N, K) -> ets:delete(T, K), delete(T, N - 1, next(K)).
