%% Random terms of every kind through all that looks at any term: order, equality, hashes, the external format whole and
%% damaged, printing.
%%
%% `-s random_terms main SEED BLOCKS` makes a long run; `… SEED BLOCKS TOPIC BLOCK` prints what makes one line.
%%
%% needs: OTP
-module(random_terms).
-export([main/0, main/1]).
-compile(nowarn_deprecated_function).
-include("random.hrl").

first_seed() -> 20261101.

topics() ->
    [{order, fun order/0}, {equality, fun equality/0}, {hash, fun hash/0}, {encode, fun encode/0},
     {decode, fun decode/0}, {damaged, fun damaged/0}, {text, fun text/0}, {large_maps, fun large_maps/0}].

order() ->
    Terms = many(200, fun() -> any(below(4)) end),
    Sorted = lists:sort(Terms),
    [Sorted, lists:usort(Terms), lists:sort(fun(A, B) -> A >= B end, Terms), lists:min(Terms), lists:max(Terms),
     [ets_order(Terms)]].

%% The objects of an ordered set, which compares as == does, and of a set, which compares as =:= does.
ets_order(Terms) ->
    Ordered = ets:new(ordered, [ordered_set]),
    Set = ets:new(set, [set]),
    lists:foreach(fun(T) -> ets:insert(Ordered, {T}), ets:insert(Set, {T}) end, Terms),
    Result = {ets:tab2list(Ordered), lists:sort([term_to_binary(T) || {T} <- ets:tab2list(Set)]), ets:info(Set, size)},
    ets:delete(Ordered),
    ets:delete(Set),
    Result.

equality() ->
    many(200, fun() ->
                      A = any(below(4)),
                      B = like(A),
                      {A, B, A < B, A > B, A =< B, A >= B, A == B, A =:= B, A /= B, A =/= B, min(A, B), max(A, B),
                       B < A, B =:= A, outcome(fun() -> maps:get(B, #{A => yes, x => y}) end)}
              end).

hash() ->
    many(200, fun() ->
                      T = any(below(4)),
                      {T, erlang:phash2(T), erlang:phash2(T, 1 + next()), erlang:phash2(T, 1 bsl 32), erlang:phash(T, 1 + next()),
                       erlang:phash(T, 1 bsl 32)}
              end).

encode() ->
    many(200, fun() ->
                      T = any(below(4)),
                      [T, erlang:external_size(T), erlang:external_size(T, [{minor_version, 0}])
                      | [begin B = term_to_binary(T, O), true = binary_to_term(B) =:= T orelse approximate(O), B end
                         || O <- [[], [{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}], [deterministic]]]
                      ] ++ [binary_to_term(term_to_binary(T, O)) =:= T || O <- [[compressed], [{compressed, below(10)}]]]
                        ++ [iolist_to_binary(term_to_iovec(T)) =:= term_to_binary(T)]
              end).

%% Floats have twenty digits in version 0.
approximate(Options) -> lists:member({minor_version, 0}, Options).

decode() ->
    many(200, fun() ->
                      T = any(below(4)),
                      B = term_to_binary(T, pick([[], [{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}]])),
                      More = << B/binary, (list_to_binary(string()))/binary >>,
                      Shifted = <<0:3, More/binary>>,
                      <<_:3, Unaligned/binary>> = Shifted,
                      {outcome(fun() -> binary_to_term(More, [used]) end), outcome(fun() -> binary_to_term(More, [used, safe]) end),
                       outcome(fun() -> binary_to_term(Unaligned) end), outcome(fun() -> binary_to_term(B, [safe]) end)}
              end).

only(Kind, F) ->
    put(identifiers, Kind),
    Results = F(),
    erase(identifiers),
    Results.

%% Not with pids of this node: OTP refuses numbers that none of its processes has had.
damaged() ->
    only(foreign, fun damaged_terms/0).

damaged_terms() ->
    many(400, fun() ->
                      T = any(below(3)),
                      B = term_to_binary(T, pick([[], [{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}]])),
                      Damaged = damage(B, 1 + below(3)),
                      %% OTP 25 takes the tags that only its own tables write from anybody.
                      case binary:match(Damaged, [<<73>>, <<74>>, <<75>>, <<76>>]) of
                          nomatch -> [Damaged | checked(outcome(fun() -> binary_to_term(Damaged, [used]) end))];
                          _ -> [Damaged]
                      end
              end).

damage(B, 0) -> B;
damage(B, N) ->
    At = 1 + below(byte_size(B)),
    damage(case below(4) of
               0 -> binary:part(B, 0, At);
               1 when At < byte_size(B) ->
                   <<Before:At/binary, _, After/binary>> = B,
                   <<Before/binary, (pick({next() band 255, 0, 255, 70, 97, 98, 99, 104, 105, 106, 107, 108, 109, 110, 111, 77,
                                           116, 118, 119, 88, 89, 90, 113, 120})), After/binary>>;
               2 when At < byte_size(B) ->
                   <<Before:At/binary, Byte, After/binary>> = B,
                   <<Before/binary, (Byte bxor (1 bsl below(8))), After/binary>>;
               _ ->
                   <<Before:At/binary, After/binary>> = B,
                   <<Before/binary, (byte()), After/binary>>
           end, N - 1).

%% What was decoded must be a whole term, which goes everywhere.
checked({ok, {T, Used}}) ->
    [T, Used, erlang:phash2(T), term_to_binary(T, [deterministic]), T =:= binary_to_term(term_to_binary(T)), erts_debug:flat_size(T) >= 0];
checked(Error) ->
    [Error].

%% Not with identifiers of other nodes: the first number in their text is that of an atom.
text() ->
    only(own, fun texts/0).

texts() ->
    many(100, fun() ->
                      T = any(below(4)),
                      [outcome(fun() -> lists:flatten(io_lib:format(F, A)) end)
                       || {F, A} <- [{"~w", [T]}, {"~tw", [T]}, {"~p", [T]}, {"~tp", [T]}, {"~W", [T, 1 + below(12)]}, {"~tP", [T, 1 + below(12)]},
                                     {"~*p", [30, T]}, {"~lp", [T]}, {"~s", [T]}, {"~ts", [T]}, {"~e ~f ~g", [T, T, T]},
                                     {"~.*B", [2 + below(35), T]}, {"~c", [T]}, {"~.16X", [T, "p"]}, {"~i~20s", [T, T]}]]
              end).

%% Maps beyond 32 keys: equal however they were made, in the order of their sorted keys, hashed alike.
large_maps() ->
    many(10, fun() ->
                     Pairs = many(33 + below(100), fun() -> {key(below(2)), any(below(2))} end),
                     Map = maps:from_list(Pairs),
                     Same = lists:foldl(fun({K, V}, M) -> M#{K => V} end, #{}, Pairs),
                     %% Not by the order of terms, which has 1 and 1.0 in that of the map.
                     Keys = [K || {_, K} <- lists:sort([{term_to_binary(K, [deterministic]), K} || K <- maps:keys(Map)])],
                     Gone = lists:foldl(fun maps:remove/2, Map, lists:sublist(Keys, below(length(Keys)))),
                     Other = maps:put(key_of(like(hd(Keys))), x, Same),
                     [Map, map_size(Map), Map =:= Same, Gone, map_size(Gone), erlang:phash2(Map), erlang:phash2(Gone), erlang:phash(Map, 1 bsl 32),
                      Map < Other, Map > Other, Map == Other, Gone < Map, term_to_binary(Map, [deterministic]),
                      binary_to_term(term_to_binary(Map)) =:= Map, byte_size(term_to_binary(Map)),
                      maps:merge(Gone, Other), maps:merge(Other, Gone),
                      erlang:phash2({Map, [Gone]}, 1 + next()), lists:sort([Map, Other, Gone, Same]), maps:with(Keys, Other), maps:without(Keys, Other)]
             end).
