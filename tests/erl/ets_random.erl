%% Random operations on tables of all kinds, against a model that keeps a list of objects.
%% gcstress: small
-module(ets_random).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(20000).

main([small]) -> run(400).

run(N) ->
    [begin
         T = ets:new(t, [Kind]),
         {Model, Hash} = steps(T, Kind, N, 12345, [], 0),
         ?SHOW({Kind, length(Model), Hash}),
         ?SHOW(same(Kind, ets:tab2list(T), Model)),
         ?SHOW(ets:info(T, size) =:= length(Model)),
         [ets:delete(T, K) || {K, _} <- Model],
         ?SHOW(ets:tab2list(T))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.

same(ordered_set, A, B) -> A =:= lists:keysort(1, B);
same(_, A, B) -> lists:sort(A) =:= lists:sort(B).

next(S) -> (S * 1103515245 + 12345) band 16#7fffffff.

key(N) ->
    case N rem 7 of
        0 -> {N};
        1 -> [N];
        2 -> integer_to_binary(N);
        3 -> N * 1.0;
        _ -> N
    end.

steps(_, _, 0, _, Model, Hash) -> {Model, Hash};
steps(T, Kind, N, S0, Model, Hash) ->
    S1 = next(S0), S2 = next(S1), S3 = next(S2),
    Key = key((S1 bsr 8) rem 97),
    Value = (S2 bsr 8) rem 5,
    {Result, Expected, Model1} = step((S3 bsr 8) rem 12, T, Kind, Key, Value, Model),
    case Result =:= Expected of
        true -> ok;
        false -> erlang:display({differs, N, Kind, Key, Value, Result, Expected})
    end,
    steps(T, Kind, N - 1, S3, Model1, erlang:phash2({Hash, Result})).

of_key(ordered_set, Key, Model) -> [O || {K, _} = O <- Model, K == Key];
of_key(_, Key, Model) -> [O || {K, _} = O <- Model, K =:= Key].

without(Kind, Key, Model) -> Model -- of_key(Kind, Key, Model).

put(Kind, Key, Value, Model) when Kind =:= set; Kind =:= ordered_set ->
    [{Key, Value} | without(Kind, Key, Model)];
put(bag, Key, Value, Model) ->
    case lists:member({Key, Value}, Model) of
        true -> Model;
        false -> Model ++ [{Key, Value}]
    end;
put(duplicate_bag, Key, Value, Model) -> Model ++ [{Key, Value}].

step(Op, T, Kind, Key, Value, Model) when Op < 4 ->
    {ets:insert(T, {Key, Value}), true, put(Kind, Key, Value, Model)};
step(4, T, Kind, Key, _, Model) ->
    {ets:delete(T, Key), true, without(Kind, Key, Model)};
step(5, T, Kind, Key, _, Model) ->
    {ets:lookup(T, Key), of_key(Kind, Key, Model), Model};
step(6, T, Kind, Key, _, Model) ->
    {ets:take(T, Key), of_key(Kind, Key, Model), without(Kind, Key, Model)};
step(7, T, _, Key, Value, Model) ->
    {ets:delete_object(T, {Key, Value}), true, [O || O <- Model, O =/= {Key, Value}]};
step(8, T, Kind, Key, Value, Model) ->
    case of_key(Kind, Key, Model) of
        [] -> {ets:insert_new(T, {Key, Value}), true, put(Kind, Key, Value, Model)};
        _ -> {ets:insert_new(T, {Key, Value}), false, Model}
    end;
step(9, T, Kind, Key, _, Model) ->
    {lists:sort(ets:match_object(T, {Key, '_'})),
     lists:sort([O || {K, _} = O <- of_key(Kind, Key, Model), K =:= Key]), Model};
step(10, T, _, _, Value, Model) ->
    {lists:sort(ets:select(T, [{{'$1', Value}, [], ['$1']}])),
     lists:sort([K || {K, V} <- Model, V =:= Value]), Model};
step(11, T, _, Key, Value, Model) when is_integer(Key), Key rem 5 =:= 0 ->
    Gone = [O || {K, V} = O <- Model, V =:= Value, is_integer(K), K < Key],
    {ets:select_delete(T, [{{'$1', Value}, [{is_integer, '$1'}, {'<', '$1', Key}], [true]}]),
     length(Gone), Model -- Gone};
step(11, T, Kind, Key, _, Model) ->
    {ets:member(T, Key), of_key(Kind, Key, Model) =/= [], Model}.
