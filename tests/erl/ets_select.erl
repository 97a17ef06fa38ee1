%% match, match_object, select and their like, whole tables and in chunks, over all kinds of tables.
-module(ets_select).
-export([main/0]).
-include("show.hrl").

main() ->
    [whole(K) || K <- [set, ordered_set, bag, duplicate_bag]],
    [chunks(K) || K <- [set, ordered_set, bag, duplicate_bag]],
    bags(),
    ordered(),
    beginnings(),
    counting(),
    replacing(),
    patterns(),
    continuations().

table(Kind) ->
    T = ets:new(t, [Kind]),
    [ets:insert(T, {I, I rem 3, {x, [I]}}) || I <- lists:seq(1, 20)],
    T.

s(L) -> lists:sort(L).

whole(Kind) ->
    T = table(Kind),
    ?SHOW({Kind, s(ets:match(T, {'$1', 0, '_'}))}),
    ?SHOW(s(ets:match(T, {'$2', 1, {x, ['$1']}}))),
    ?SHOW(s(ets:match(T, {'$1', '_', {x, ['$1']}}))),
    ?SHOW(ets:match(T, {3, '$1', '$2'})),
    ?SHOW(ets:match(T, {3.0, '$1', '$2'})),
    ?SHOW(ets:match(T, {'$1', 7, '_'})),
    ?SHOW(ets:match(T, {'_', '_'})),
    ?SHOW(s(ets:match_object(T, {'_', 2, '_'}))),
    ?SHOW(ets:match_object(T, {4, '_', '_'})),
    ?SHOW(s(ets:select(T, [{{'$1', '$2', '_'}, [{'>', '$1', 15}], [{{'$2', '$1'}}]}]))),
    ?SHOW(s(ets:select(T, [{{'$1', 0, '_'}, [], ['$1']}, {{'$1', 1, '_'}, [], [{{one, '$1'}}]}]))),
    ?SHOW(s(ets:select(T, [{{1, '_', '_'}, [], ['$_']}, {{2, '_', '_'}, [], ['$_']},
                           {{1, '_', '_'}, [], [again]}]))),
    ?SHOW(ets:select(T, [])),
    ?SHOW(s(ets:select_reverse(T, [{{'$1', 1, '_'}, [], ['$1']}]))),
    ok.

collect('$end_of_table', _) -> [];
collect({L, C}, F) -> [L | collect(F(C), F)].

chunks(Kind) ->
    T = table(Kind),
    [begin
         Chunks = collect(ets:select(T, [{{'$1', '_', '_'}, [{'<', '$1', 18}], ['$1']}], N),
                          fun ets:select/1),
         ?SHOW({Kind, N, s(lists:append(Chunks))}),
         ?SHOW(lists:all(fun(L) -> length(L) =< N end, Chunks)),
         ?SHOW(s(lists:append(collect(ets:match(T, {'$1', 1, '_'}, N), fun ets:match/1)))),
         ?SHOW(s(lists:append(collect(ets:match_object(T, {'_', 2, '_'}, N),
                                      fun ets:match_object/1)))),
         ?SHOW(s(lists:append(collect(ets:select_reverse(T, [{{'$1', '_', '_'}, [], ['$1']}], N),
                                      fun ets:select_reverse/1))))
     end || N <- [1, 3, 7, 20, 50]],
    ?SHOW(ets:select(T, [{{5, '_', '_'}, [], ['$_']}], 1)),
    ?SHOW(ets:select(T, [{{55, '_', '_'}, [], ['$_']}], 1)),
    ?SHOW(ets:select(T, [], 1)),
    ?SHOW([F('$end_of_table') || F <- [fun ets:select/1, fun ets:match/1, fun ets:match_object/1,
                                       fun ets:select_reverse/1]]),
    [?TRY(ets:select(T, [{'_', [], ['$_']}], N)) || N <- [0, -1, a, 1.0]],
    ok.

%% Objects of one key of a bag come in the order of their insertion.
bags() ->
    [begin
         B = ets:new(b, [Kind]),
         [ets:insert(B, {1, X}) || X <- [a, b, c, d, e]],
         ?SHOW(ets:match(B, {1, '$1'})),
         ?SHOW(ets:select(B, [{{1, '$1'}, [], ['$1']}])),
         ?SHOW(collect(ets:match(B, {1, '$1'}, 2), fun ets:match/1)),
         ?SHOW(collect(ets:match_object(B, {1, '_'}, 4), fun ets:match_object/1)),
         ?SHOW(ets:match(B, {1, '$1'}, 5)),
         ?SHOW(ets:match(B, {1, '$1'}, 6)),
         ?SHOW(ets:select_delete(B, [{{1, b}, [], [true]}, {{1, d}, [], [true]}])),
         ?SHOW(ets:tab2list(B))
     end || Kind <- [bag, duplicate_bag]],
    ok.

ordered() ->
    T = table(ordered_set),
    All = [{{'$1', '_', '_'}, [], ['$1']}],
    ?SHOW(ets:select(T, All)),
    ?SHOW(ets:select_reverse(T, All)),
    ?SHOW(collect(ets:select(T, All, 6), fun ets:select/1)),
    ?SHOW(collect(ets:select_reverse(T, All, 6), fun ets:select_reverse/1)),
    {_, C} = ets:select(T, All, 6),
    ?SHOW([element(I, C) || I <- [2, 3, 4, 6, 7, 8]]),
    ?SHOW(ets:is_compiled_ms(element(5, C))),
    {_, R} = ets:select_reverse(T, All, 6),
    ?SHOW([element(I, R) || I <- [2, 3, 4, 6, 7, 8]]),
    %% Objects come and go between two chunks.
    ets:delete(T, 6),
    ets:insert(T, {6.5, new, new}),
    ?SHOW(element(1, ets:select(C))),
    ets:delete(T, 15),
    ?SHOW(element(1, ets:select_reverse(R))).

%% Keys of which the beginning is known.
beginnings() ->
    T = ets:new(t, [ordered_set]),
    [ets:insert(T, {{A, B}, C}) || {A, B, C} <- [{X, Y, X * Y} || X <- [1, 2, 3, 4], Y <- [1, 2, 3]]],
    [ets:insert(T, {K, 0}) || K <- [0, a, {1}, {2, 1, 1}, [1, 2], [1, 3], [2, 2 | x], <<>>, {}, #{a => 1}, #{b => 2}]],
    ?SHOW(ets:match(T, {{2, '$1'}, '$2'})),
    ?SHOW(ets:match(T, {{2.0, '$1'}, '$2'})),
    ?SHOW(ets:match(T, {{'$1', 2}, '$2'})),
    ?SHOW(ets:match(T, {{'$1', '$1'}, '$2'})),
    ?SHOW(ets:match(T, {{9, '$1'}, '$2'})),
    ?SHOW(ets:match(T, {[1 | '$1'], '$2'})),
    ?SHOW(ets:match(T, {[1, '$1'], '$2'})),
    ?SHOW(ets:match(T, {['$1', 2 | '$2'], '_'})),
    ?SHOW(ets:match(T, {#{a => '$1'}, '_'})),
    ?SHOW(ets:match(T, {#{a => 1}, '_'})),
    ?SHOW(ets:match_object(T, {#{}, '_'})),
    ?SHOW(ets:match_object(T, {{}, '_'})),
    ?SHOW(ets:select_reverse(T, [{{{2, '$1'}, '_'}, [], ['$1']}])),
    {L, C} = ets:select(T, [{{{2, '$1'}, '_'}, [], ['$1']}], 2),
    ?SHOW({L, [element(I, C) || I <- [2, 3, 4, 6, 7, 8]]}),
    ?SHOW(ets:select(C)),
    ?SHOW(ets:select(T, [{{{2, '$1'}, '_'}, [], ['$1']}], 4)),
    ?SHOW(ets:select_reverse(T, [{{{2, '$1'}, '_'}, [], ['$1']}], 4)),
    ?SHOW(collect(ets:select_reverse(T, [{{{3, '$1'}, '_'}, [], ['$1']}], 1), fun ets:select/1)),
    ?SHOW(ets:select_count(T, [{{{3, '_'}, '_'}, [], [true]}])),
    ?SHOW(ets:select_delete(T, [{{{3, '_'}, '$1'}, [{'>', '$1', 3}], [true]}])),
    ?SHOW(ets:select(T, [{{{3, '$1'}, '_'}, [], ['$1']}, {{{4, '$1'}, '_'}, [], ['$1']}])),
    ?SHOW(ets:select(T, [{{{4, 2}, '$1'}, [], ['$1']}, {{{1, 1}, '$1'}, [], [{{a, '$1'}}]}, {{a, '$1'}, [], ['$1']}])).

counting() ->
    [begin
         T = table(Kind),
         ?SHOW({Kind, ets:select_count(T, [{{'_', 1, '_'}, [], [true]}])}),
         ?SHOW(ets:select_count(T, [{{'$1', '_', '_'}, [], [{'<', '$1', 5}]}])),
         ?SHOW(ets:select_count(T, [{{'$1', '_', '_'}, [], ['$1']}])),
         ?SHOW(ets:select_count(T, [{{3, '_', '_'}, [], [true]}])),
         ?SHOW(ets:select_count(T, [])),
         ?SHOW(ets:select_delete(T, [{{'$1', '_', '_'}, [{'<', '$1', 5}], [true]}])),
         ?SHOW(ets:select_delete(T, [{{7, '_', '_'}, [], [true]}, {{8, '_', '_'}, [], [false]}])),
         ?SHOW(ets:match_delete(T, {'_', 2, '_'})),
         ?SHOW(s([element(1, X) || X <- ets:tab2list(T)])),
         ?SHOW(ets:info(T, size)),
         ?SHOW(ets:select_delete(T, [{'_', [], [true]}])),
         ?SHOW(ets:info(T, size))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.

replacing() ->
    [begin
         T = table(Kind),
         ?SHOW({Kind, ets:select_replace(T, [{{'$1', 0, '$2'}, [], [{{'$1', zero, '$2'}}]}])}),
         ?SHOW(ets:select_replace(T, [{{'$1', '$2', '_'}, [{'<', '$1', 4}], [{{'$1', '$2', '$_', more}}]}])),
         ?SHOW(ets:select_replace(T, [{{7, '_', '_'}, [], [{{7, seven}}]}])),
         ?SHOW(ets:select_replace(T, [{{8, '_', '_'}, [], [{const, {8, eight}}]}])),
         ?SHOW(ets:select_replace(T, [{{10, '_', '_'}, [], ['$_']}])),
         ?SHOW(ets:select_replace(T, [{{'_', '_', '_'}, [], [{{{element, 1, '$_'}, by_element}}]}])),
         ?TRY(ets:select_replace(T, [{{'_', '_', '_'}, [], [{{{element, 2, '$_'}, by_element}}]}])),
         ?SHOW(ets:select_replace(T, [])),
         ?SHOW(s(ets:tab2list(T))),
         ?TRY(ets:select_replace(T, [{{'$1', '_', '_'}, [], [{{'$2', 1}}]}])),
         ?TRY(ets:select_replace(T, [{{'$1', '_', '_'}, [], [{{{'+', '$1', 0}, 1}}]}])),
         ?TRY(ets:select_replace(T, [{{'$1', '_', '_'}, [], ['$1']}])),
         ?TRY(ets:select_replace(T, [{'_', [], [{{1, 2}}]}])),
         ?TRY(ets:select_replace(T, [{{1, '_', '_'}, [], [true, '$_']}])),
         ?TRY(ets:select_replace(T, [{{{a, '$1'}, '_'}, [], [{{{{a, '$1'}}, 1}}]}])),
         ?TRY(ets:select_replace(T, [{{{a, '$1'}, '_'}, [], [{{{{'$1', a}}, 1}}]}])),
         ?TRY(ets:select_replace(T, [{{[a, '$1'], '_'}, [], [{{[a, '$1'], 1}}]}])),
         ?TRY(ets:select_replace(T, [{{{a, b}, '_'}, [], [{{{const, {a, b}}, 1}}]}])),
         ?TRY(ets:select_replace(T, x))
     end || Kind <- [set, ordered_set, duplicate_bag]],
    B = table(bag),
    ?TRY(ets:select_replace(B, [{{'$1', 0, '$2'}, [], [{{'$1', zero, '$2'}}]}])).

patterns() ->
    T = ets:new(t, []),
    ets:insert(T, [{1, [a, b, c]}, {2, #{a => 1, b => [2]}}, {3, {x, {y, z}}}, {4, 1.0}, {5, 1},
                   {6, <<"bin">>}, {7, {x, {y, z, w}}}, {8, 'ok', extra}, {9}, {10, [a | b]}]),
    [?SHOW({P, s(ets:match_object(T, P))})
     || P <- ['_', {'_', '_'}, {'_', [a | '_']}, {'_', [a, '_', c]}, {'_', #{a => '_'}},
              {'_', #{a => 1, b => ['_']}}, {'_', #{c => '_'}}, {'_', #{}}, {'_', {x, {y, '_'}}},
              {'_', {x, '_'}}, {'_', 1}, {'_', 1.0}, {'_', <<"bin">>}, {'_', '_', '_'}, {'_'},
              {'_', [a | b]}, {'_', {'$1', {'$2', '$3'}}}, x, [], [a], 1, #{}, {}, {8, ok, '_'},
              '$1', {'$1', '$01'}, {'$1', '$a'}]],
    ?SHOW(s(ets:match(T, {'$2', '$1'}))),
    ?SHOW(s(ets:match(T, {'$20', '$3'}))),
    ?SHOW(s(ets:match(T, {'_', {'$1', {'$2', '$3'}}}))),
    ?SHOW(ets:match(T, {2, #{a => '$2', b => '$1'}})),
    ?SHOW(s(ets:match(T, '$1'))),
    ?TRY(ets:match(T, {'_', #{'$1' => 1}})),
    ?TRY(ets:match(T, {'_', #{'_' => 1}})),
    ?TRY(ets:match(T, {'_', #{{x, '$1'} => 1}})).

%% What the functions that continue refuse, and what they go on with.
continuations() ->
    T = table(set),
    B = ets:new(b, [bag]),
    [ets:insert(B, {1, X}) || X <- [a, b, c, d, e]],
    {_, C} = ets:match(B, {1, '$1'}, 2),
    ?SHOW({tuple_size(C), [element(I, C) || I <- [2, 3, 5, 6]]}),
    ?SHOW(ets:is_compiled_ms(element(4, C))),
    ?TRY(ets:match(setelement(1, C, 77))),
    ?TRY(ets:match(setelement(1, C, make_ref()))),
    ?TRY(ets:match(setelement(4, C, 77))),
    ?TRY(ets:match(setelement(3, C, x))),
    [?TRY(ets:select(X)) || X <- [foo, 1, {}, {1, 2, 3}, [], "abc"]],
    {L, D} = ets:select(T, [{{'$1', '_', '_'}, [], ['$1']}], 5),
    Saved = binary_to_term(term_to_binary(setelement(4, D, gone))),
    MS = [{{'$1', '_', '_'}, [], ['$1']}],
    D2 = ets:repair_continuation(Saved, MS),
    ?SHOW(s(L ++ lists:append(collect(ets:select(D2), fun ets:select/1)))),
    ets:delete(B),
    ?TRY(ets:match(C)).
