%% Maps so large that they are made, merged and listed in pieces, with others running in between: what comes out is what
%% small steps make.
%% gcstress: small
-module(maps_in_pieces).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run([0, 1, 3, 4, 31, 32, 33, 100, 4095, 4096, 4097, 8192, 20000, 70000]).

main([small]) -> run([0, 1, 3, 4, 31, 32, 33, 100, 4097]).

run(Sizes) ->
    [sized(Size) || Size <- Sizes],
    Largest = lists:last(Sizes),
    errors(Largest),
    few_keys(Largest),
    ended().

sized(Size) ->
    Keys = shuffled(Size),
    Map = lists:foldl(fun(K, M) -> M#{K => value(K)} end, #{}, Keys),
    Pairs = [{K, value(K)} || K <- Keys],
    ?SHOW({Size, map_size(Map)}),
    ?SHOW(Map =:= maps:from_list(Pairs)),
    %% The last value of a key counts.
    ?SHOW(Map =:= maps:from_list([{K, old} || K <- Keys] ++ lists:reverse(Pairs))),
    ?SHOW(maps:from_keys(Keys ++ Keys, same) =:= maps:from_list([{K, same} || K <- Keys])),
    ?SHOW(lists:sort(maps:keys(Map)) =:= lists:sort(Keys)),
    ?SHOW(lists:sort(maps:values(Map)) =:= lists:sort([value(K) || K <- Keys])),
    ?SHOW(lists:sort(lists:zip(maps:keys(Map), maps:values(Map))) =:= lists:sort(maps:to_list(Map))),
    {Front, Back} = lists:split(Size div 3, Pairs),
    {Some, _} = lists:split(2 * Size div 3, Pairs),
    Merged = maps:merge(maps:from_list([{K, old} || {K, _} <- Some]), maps:from_list(Back)),
    Both = maps:merge(Merged, maps:from_list(Front)),
    ?SHOW({map_size(Merged), Both =:= Map}),
    ?SHOW(maps:merge(Both, Map) =:= Map),
    ?SHOW(maps:merge(Map, maps:from_list(Front)) =:= Map),
    ?SHOW(maps:merge(Map, maps:from_keys(Keys, same)) =:= maps:from_keys(Keys, same)).

errors(Size) ->
    Keys = lists:seq(1, Size),
    Pairs = [{K, K} || K <- Keys],
    ?TRY(maps:from_list(Pairs ++ [none])),
    ?TRY(maps:from_list([{1, 2, 3} | Pairs])),
    ?SHOW(class(fun() -> maps:from_list(Pairs ++ improper) end)),
    %% OTP 25 does not return from this one with a long list.
    ?SHOW(class(fun() -> maps:from_keys(lists:seq(1, 100) ++ improper, v) end)).

class(Function) ->
    try Function() of
        _ -> returned
    catch
        Class:Reason -> {Class, Reason}
    end.

%% A long list of few keys is a small map.
few_keys(Size) ->
    Pairs = [{N rem 32, N} || N <- lists:seq(1, Size)],
    ?SHOW(maps:from_list(Pairs) =:= lists:foldl(fun({K, V}, M) -> M#{K => V} end, #{}, Pairs)),
    ?SHOW(maps:from_keys([N rem 3 || N <- lists:seq(1, Size)], v)),
    ?SHOW(map_size(maps:from_keys([N rem 33 || N <- lists:seq(1, Size)], v))).

%% Processes that are told to end in the middle do.
ended() ->
    Keys = lists:seq(1, 200000),
    Map = maps:from_keys(Keys, v),
    Other = maps:from_keys(lists:seq(2, 200001), w),
    Calls = [fun() -> maps:from_keys(Keys, v) end, fun() -> maps:merge(Map, Other) end,
             fun() -> maps:keys(Map) end, fun() -> maps:values(Map) end],
    ?SHOW([ends(Call) || Call <- Calls]).

ends(Call) ->
    {Pid, Monitor} = spawn_monitor(fun() -> forever(Call) end),
    receive after 2 -> ok end,
    exit(Pid, stop),
    receive {'DOWN', Monitor, process, Pid, Reason} -> Reason end.

forever(Call) ->
    Call(),
    forever(Call).

%% In an order that is neither theirs nor that of any hash.
shuffled(0) -> [];
shuffled(Size) -> [key(N * 7919 rem Size) || Size rem 7919 > 0, N <- lists:seq(0, Size - 1)].

key(N) when N rem 3 =:= 0 -> N;
key(N) when N rem 3 =:= 1 -> {N, "key"};
key(N) -> N * 1.0.

value(K) -> [K].
