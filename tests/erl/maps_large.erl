%% Maps of more than 32 keys: growing past the flat form and shrinking back,
%% without relying on an iteration order.
-module(maps_large).
-export([main/0]).
-include("show.hrl").

main() ->
    M = build(lists:seq(1, 1000), #{}),
    ?SHOW(map_size(M)),
    ?SHOW([map_get(K, M) || K <- [1, 500, 1000]]),
    ?SHOW([maps:find(K, M) || K <- [0, 1.0, 1001, a]]),
    ?SHOW(lists:sort(maps:keys(M)) =:= lists:seq(1, 1000)),
    ?SHOW(lists:sum(maps:values(M))),
    ?SHOW(length(maps:to_list(M))),
    ?SHOW(lists:sort(maps:to_list(M)) =:= [{K, K * K} || K <- lists:seq(1, 1000)]),
    ?SHOW(M =:= build(lists:seq(1000, 1, -1), #{})),
    ?SHOW(M =:= maps:from_list([{K, K * K} || K <- lists:seq(1, 1000)])),
    ?SHOW(M#{500 => changed} =:= M),
    ?SHOW((M#{500 => changed})#{500 := 250000} =:= M),
    ?SHOW(M < M#{1001 => x}),
    ?SHOW(M == maps:map(fun(_, V) -> float(V) end, M)),
    ?SHOW(M =:= maps:map(fun(_, V) -> float(V) end, M)),
    ?TRY(M#{nothing := x}),
    ?TRY(maps:get(nothing, M)),
    ?SHOW(match(M)),
    %% The limit of 32 keys, upwards and downwards.
    ?SHOW([map_size(build(lists:seq(1, N), #{})) || N <- [31, 32, 33, 34]]),
    M40 = build(lists:seq(1, 40), #{}),
    M32 = lists:foldl(fun maps:remove/2, M40, lists:seq(33, 40)),
    ?SHOW(M32),
    ?SHOW(M32 =:= build(lists:seq(1, 32), #{})),
    ?SHOW(map_size(lists:foldl(fun maps:remove/2, M, lists:seq(1, 1000)))),
    ?SHOW(lists:foldl(fun maps:remove/2, M, lists:seq(2, 1000))),
    ?SHOW(maps:remove(absent, M) =:= M),
    {V, M999} = maps:take(7, M),
    ?SHOW({V, map_size(M999), maps:is_key(7, M999)}),
    Merged = maps:merge(M, build(lists:seq(900, 1100), #{x => y})),
    ?SHOW({map_size(Merged), map_get(950, Merged), map_get(1100, Merged)}),
    ?SHOW(map_size(maps:merge(M32, #{a => 1}))),
    ?SHOW(maps:merge(#{}, M) =:= M),
    ?SHOW(map_size(maps:from_keys(lists:seq(1, 100), v))),
    %% Keys of every type, among them some whose hashes are close.
    Keys = [I || I <- lists:seq(1, 200)] ++ [float(I) || I <- lists:seq(1, 200)] ++ [{I} || I <- lists:seq(1, 200)]
        ++ [[I] || I <- lists:seq(1, 200)] ++ [<<I>> || I <- lists:seq(1, 200)] ++ [#{I => I} || I <- lists:seq(1, 200)]
        ++ [list_to_atom("k" ++ integer_to_list(I)) || I <- lists:seq(1, 200)] ++ [I bsl 70 || I <- lists:seq(1, 200)],
    Mixed = maps:from_list([{K, K} || K <- Keys]),
    ?SHOW(map_size(Mixed)),
    ?SHOW([K || K <- Keys, map_get(K, Mixed) =/= K]),
    ?SHOW(map_size(lists:foldl(fun maps:remove/2, Mixed, Keys))),
    ?SHOW(binary_to_term(term_to_binary(Mixed)) =:= Mixed),
    ?SHOW(erlang:phash2(M)),
    ?SHOW(maps:fold(fun(K, X, Acc) -> K + X + Acc end, 0, M)),
    ?SHOW(map_size(maps:filter(fun(K, _) -> K rem 3 =:= 0 end, M))),
    ?SHOW(count(maps:next(maps:iterator(M)), 0)),
    ?SHOW(map_size(#{big => M, M => big})),
    ?SHOW(map_get(M, #{M => found})),
    Self = self(),
    spawn(fun() -> Self ! {copy, M} end),
    ?SHOW(receive {copy, Copy} -> Copy =:= M end),
    ?SHOW(words(20000)).

build(Keys, Map) -> lists:foldl(fun(K, Acc) -> Acc#{K => K * K} end, Map, Keys).

match(#{1 := A, 1000 := B, 30 := C}) -> {A, B, C};
match(_) -> no.

count(none, N) -> N;
count({_, _, Next}, N) -> count(maps:next(Next), N + 1).

%% A counter over pseudo-random words.
words(N) -> words(N, 12345, #{}).

words(0, _, Counts) -> {map_size(Counts), lists:sum(maps:values(Counts)), lists:max(maps:values(Counts))};
words(N, Seed, Counts) ->
    Next = (Seed * 1103515245 + 12345) band 16#7FFFFFFF,
    Word = {word, (Next bsr 8) rem 5000},
    words(N - 1, Next, maps:update_with(Word, fun(C) -> C + 1 end, 1, Counts)).
