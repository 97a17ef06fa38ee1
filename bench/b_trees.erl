%% Garbage collection: trees of tuples, short-lived beside a long-lived one.
-module(b_trees).
-export([run/0]).

run() ->
    Long = make(18),
    Short = lists:sum([check(make(12)) || _ <- lists:seq(1, 8000)]),
    {check(Long), Short}.

make(0) -> leaf;
make(D) -> {make(D - 1), D, make(D - 1)}.

check(leaf) -> 1;
check({L, D, R}) -> D + check(L) + check(R).
