%% Long sequences of changes to maps with keys of every type, around and above 32 keys: put, update, remove,
%% take, merge, matching; equal maps are equal whichever way they were made.
%% gcstress: small
-module(map_changes).
-export([main/0, main/1]).
-include("show.hrl").

main() ->
    changes(4000, #{}, 777, 40, 500),
    changes(4000, #{}, 99, 10, 500),
    changes(10000, #{}, 5, 600, 500),
    large(20000),
    [iterated(N) || N <- [0, 1, 32, 33, 64, 65, 5000, 9000]],
    many_at_once().

main([small]) ->
    changes(500, #{}, 777, 40, 100),
    changes(300, #{}, 5, 100, 100),
    large(300),
    [iterated(N) || N <- [0, 1, 32, 33, 64, 65]],
    many_at_once().

changes(0, M, _, _, _) -> show(M);
changes(N, M, Seed0, Range, Every) ->
    {K, Seed1} = key(Seed0, Range),
    {Change, Seed2} = random(Seed1, 10),
    {Other, _} = key(Seed2, Range),
    New = change(Change, M, K, Other, N),
    true = is_map_key(K, New) =:= (maps:find(K, New) =/= error),
    case N rem Every of
        0 -> show(New);
        _ -> ok
    end,
    changes(N - 1, New, Seed2, Range, Every).

change(0, M, K, _, _) -> maps:remove(K, M);
change(1, M, K, _, N) -> M#{K => N};
change(2, M, K, _, N) -> maps:put(K, N, M);
change(3, M, K, _, N) -> try M#{K := N} catch error:Reason -> M#{failed => Reason} end;
change(4, M, K, _, _) ->
    case M of
        #{K := V} -> M#{K => {V}};
        _ -> M#{K => 0}
    end;
change(5, M, K, _, _) ->
    case maps:take(K, M) of
        {_, Rest} -> Rest;
        error -> M
    end;
change(6, M, K, Other, N) -> maps:merge(M, #{K => N, Other => N + 1});
change(7, M, K, Other, N) -> M#{K => 1, Other => 2, last => N};
change(8, M, K, _, N) -> try maps:update(K, N, M) catch error:{badkey, K} -> M end;
change(9, M, K, Other, N) -> maps:merge(#{K => N, Other => N + 1}, M).

key(Seed0, Range) ->
    {I, Seed1} = random(Seed0, Range),
    Key = case I rem 8 of
              0 -> I;
              1 -> float(I);
              2 -> {I, [I]};
              3 -> integer_to_binary(I);
              4 -> [I | b];
              5 -> I bsl 70;
              6 -> #{I => a};
              7 -> element(1 + (I div 8) rem 6, {a, zz, b, hello, m, 'A'})
          end,
    {Key, Seed1}.

%% A large map is not printed: its order is not defined.
show(M) when map_size(M) =< 32 ->
    erlang:display({M, maps:keys(M), erlang:phash2(M)});
show(M) ->
    erlang:display({map_size(M), fingerprint(maps:to_list(M)), fingerprint(maps:values(M)), erlang:phash2(M),
                    maps:from_list(maps:to_list(M)) =:= M, maps:merge(M, M) =:= M, M < M#{new => 1}}).

fingerprint(Terms) -> lists:sum([erlang:phash2(T) || T <- Terms]).

large(N) ->
    Squares = maps:from_list([{I, I * I} || I <- lists:seq(1, N)]),
    show(Squares),
    Few = lists:foldl(fun maps:remove/2, Squares, lists:seq(34, N)),
    show(Few),
    show(maps:remove(1, Few)),
    OneByOne = lists:foldl(fun(I, M) -> M#{I => I * I} end, #{}, lists:seq(N, 1, -1)),
    ?SHOW(OneByOne =:= Squares),
    ?SHOW(maps:merge(Few, OneByOne) =:= Squares),
    ?SHOW(maps:merge(Squares, #{1 => one}) =:= Squares#{1 := one}).

%% All pairs come, each once.
iterated(N) ->
    M = maps:from_list([{I, I * I} || I <- lists:seq(1, N)]),
    ?SHOW({N, walk(maps:next(maps:iterator(M)), 0, 0), length(maps:to_list(M))}).

walk(none, Count, Sum) -> {Count, Sum};
walk({K, V, Next}, Count, Sum) -> walk(maps:next(Next), Count + 1, Sum + K + V).

many_at_once() ->
    X = id(5),
    M = id(#{a => 1}),
    Many = M#{b => X, c => X + 1, d => [X], e => {X}, f => X, g => X, h => X, i => X, j => X, k => X, l => X, m => X,
              n => X, o => X, p => X, q => X, r => X, s => X, t => X, u => X, v => X, w => X, x => X, y => X, z => X,
              aa => X, ab => X, ac => X, ad => X, ae => X, af => X, ag => X, ah => X, ai => X},
    ?SHOW({map_size(Many), maps:get(ai, Many), Many =:= maps:merge(Many, M)}),
    Few = M#{b => X, c => 2, a => 7},
    ?SHOW(Few),
    ?SHOW(Few#{a := X, c := [X]}),
    %% The first in term order is reported.
    ?TRY(Few#{a := 1, b := 2, zz := 3, q := 4}),
    ?SHOW(matched(Few)),
    ?SHOW(matched(Many)),
    ?SHOW([guarded(T) || T <- [Few, M, #{}, X, [a | 7], [a, 7]]]),
    %% A cell is none of a map's.
    ?TRY(map_get(a, id([a, b]))),
    ?TRY(maps:get(a, id([a, b]))).

matched(#{a := A, ai := B, none := C}) -> {A, B, C};
matched(#{a := A, z := Z}) -> {A, Z};
matched(#{a := A, b := B, c := C}) -> {A, B, C}.

guarded(M) when map_get(a, M) =:= 7 -> seven;
guarded(M) when is_map_key(a, M) -> has;
guarded(M) when map_size(M) =:= 0 -> empty;
guarded(_) -> no.

%% Knuth's MMIX generator; its upper bits are the good ones.
random(Seed, N) ->
    {(Seed bsr 33) rem N, (Seed * 6364136223846793005 + 1442695040888963407) band 16#ffffffffffffffff}.
