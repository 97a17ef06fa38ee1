%% Flat maps: updates of known keys, matching, new keys, comprehension-like walks.
-module(b_maps_small).
-export([run/0]).

run() -> {update(15000000, #{a => 0, b => 0, c => 0, d => 0}), grow(500000, 0), walk(500000, 0)}.

update(0, #{a := A, b := B, c := C, d := D}) -> {A, B, C, D};
update(N, #{a := A, b := B, c := C} = M) -> update(N - 1, M#{a := B, b := C + 1, c := A + 2, d := N}).

grow(0, Sum) -> Sum;
grow(N, Sum) ->
    M = lists:foldl(fun(K, M) -> M#{K => N} end, #{}, [k, 3, "s", {t, 1}, j, <<"b">>, i, 2]),
    grow(N - 1, Sum + map_size(maps:remove(j, M))).

walk(0, Sum) -> Sum;
walk(N, Sum) ->
    M = maps:map(fun(_, V) -> V + N end, #{one => 1, two => 2, three => 3, four => 4}),
    walk(N - 1, Sum + lists:sum(maps:values(M))).
