%% Maps beyond 32 keys: inserting, finding, updating, removing, folding, merging.
-module(b_maps_large).
-export([run/0]).

run() ->
    {Map, Seed} = insert(1000000, #{}, 17),
    Found = find(1500000, Map, Seed, 0),
    Folded = maps:fold(fun(_, V, Sum) -> Sum + V end, 0, Map),
    Merged = maps:merge(maps:from_list([{{K, x}, K} || K <- lists:seq(1, 200000)]), Map),
    Left = maps:filter(fun({_, x}, _) -> true; (K, _) -> K rem 2 =:= 0 end, Merged),
    {map_size(Map), Found, Folded, map_size(Merged), map_size(Left)}.

next(Seed) -> (Seed * 1103515245 + 12345) band 16#7FFFFFFF.

insert(0, Map, Seed) -> {Map, Seed};
insert(N, Map, Seed) ->
    Key = (Seed bsr 8) rem 50000,
    case Map of
        #{Key := V} -> insert(N - 1, Map#{Key := V + 1}, next(Seed));
        #{} -> insert(N - 1, Map#{Key => 1}, next(Seed))
    end.

find(0, _, _, Sum) -> Sum;
find(N, Map, Seed, Sum) -> find(N - 1, Map, next(Seed), Sum + maps:get((Seed bsr 8) rem 100000, Map, 0)).
