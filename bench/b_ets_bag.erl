%% A `bag`: objects of many keys, several for each, looked up, matched and deleted.
-module(b_ets_bag).
-export([run/0, run/1]).

run() -> run(bag).

%% `Kind` is the kind of table that keeps several objects of a key.
run(Kind) ->
    T = ets:new(t, [Kind]),
    [insert(T, 60000, V) || V <- lists:seq(1, 8)],
    Looked = lists:sum([lookup(T, 60000, 0) || _ <- [1, 2, 3]]),
    Matched = match(T, 60000, 0),
    Selected = ets:select_count(T, [{{'$1', '$2', '_'}, [{'>', '$2', 3}, {'<', '$1', 1000}], [true]}]),
    objects(T, 60000),
    delete(T, 60000),
    Left = ets:info(T, size),
    ets:delete(T),
    {Looked, Matched, Selected, Left}.

insert(_, 0, _) -> ok;
insert(T, K, V) -> ets:insert(T, {K, V, {value, V}}), insert(T, K - 1, V).

lookup(_, 0, Sum) -> Sum;
lookup(T, K, Sum) -> lookup(T, K - 1, Sum + length(ets:lookup(T, K))).

match(_, 0, Sum) -> Sum;
match(T, K, Sum) -> match(T, K - 1, Sum + length(ets:match(T, {K, '_', {value, 5}}))).

objects(_, 0) -> ok;
objects(T, K) -> ets:delete_object(T, {K, 2, {value, 2}}), objects(T, K - 1).

delete(_, K) when K =< 100 -> ok;
delete(T, K) -> ets:delete(T, K), delete(T, K - 1).
