%% Maps of up to 32 keys: literals, updates, matching, the maps built-ins, key order.
-module(maps_flat).
-export([main/0]).
-include("show.hrl").

main() ->
    Empty = id(#{}),
    M = id(#{a => 1, "b" => 2, 3 => c, {4} => [d], 5.0 => five, <<"six">> => 6}),
    ?SHOW(Empty),
    ?SHOW(M),
    ?SHOW(map_size(M)),
    ?SHOW(M#{new => value}),
    ?SHOW(M#{a => updated, a2 => added}),
    ?SHOW(M#{a := exact, "b" := exact}),
    ?TRY(M#{missing := 1}),
    ?TRY((id(not_a_map))#{a => 1}),
    ?TRY((id([]))#{a := 1}),
    ?SHOW(Empty#{x => 1, y => 2, x => 3}),
    ?SHOW(match(M)),
    ?SHOW(match(#{a => 2})),
    ?SHOW(match(#{b => 2})),
    ?SHOW(match(no_map)),
    [?SHOW(which(Map)) || Map <- [#{}, #{a => 1}, #{b => 1}, #{a => 1, b => 1}, #{c => 1}, #{b => 1, c => 1}, #{a => 1, d => 1}]],
    ?SHOW(lookup(M, {4})),
    ?SHOW(lookup(M, 5)),
    ?SHOW(lookup(M, 5.0)),
    ?SHOW(maps:get(a, M)),
    ?TRY(maps:get(zzz, M)),
    ?SHOW(maps:get(zzz, M, default)),
    ?TRY(maps:get(a, id(foo))),
    ?SHOW(maps:find("b", M)),
    ?SHOW(maps:find("c", M)),
    ?SHOW(maps:is_key(3, M)),
    ?SHOW(maps:is_key(3.0, M)),
    ?SHOW(maps:put(b, new, M)),
    ?SHOW(maps:update(a, new, M)),
    ?TRY(maps:update(b, new, M)),
    ?SHOW(maps:remove(a, M)),
    ?SHOW(maps:remove(nothing, M)),
    ?SHOW(maps:take(a, M)),
    ?SHOW(maps:take(nothing, M)),
    ?SHOW(maps:merge(#{a => 1, b => 2}, id(#{b => 3, c => 4}))),
    ?TRY(maps:merge(#{}, id(atom))),
    ?SHOW(maps:keys(M)),
    ?SHOW(maps:values(M)),
    ?SHOW(maps:to_list(M)),
    ?SHOW(maps:from_list(id([{b, 1}, {a, 2}, {b, 3}]))),
    ?TRY(maps:from_list(id([{a, 1}, b]))),
    ?SHOW(maps:from_keys(id([x, y, x]), 0)),
    ?SHOW(maps:from_list([{N, N * N} || N <- lists:seq(32, 1, -1)])),
    ?SHOW(build(32, #{})),
    ?SHOW(build(32, #{}) =:= maps:from_list([{N, N} || N <- lists:seq(1, 32)])),
    ?SHOW(id(#{1 => a}) =:= id(#{1.0 => a})),
    ?SHOW(id(#{1 => a}) == id(#{1.0 => a})),
    ?SHOW(id(#{a => 1}) == id(#{a => 1.0})),
    ?SHOW(id(#{a => 1}) =:= id(#{a => 1.0})),
    ?SHOW(lists:sort([#{b => 1}, #{a => 2}, #{a => 1}, #{}, #{a => 1, b => 1}, #{1 => z}])),
    ?SHOW(#{#{k => 1} => nested}),
    ?SHOW(map_get(#{k => 1}, id(#{#{k => 1} => nested}))),
    Key = id(dynamic),
    ?SHOW(#{Key => 1, {Key, 2} => 2}),
    #{{Key, 2} := Found} = id(#{{dynamic, 2} => found}),
    ?SHOW(Found),
    ?SHOW(count("how many of each letter")).

match(#{a := 1, "b" := B}) -> {one, B};
match(#{a := A}) -> {a, A};
match(#{}) -> other_map;
match(_) -> no_map.

lookup(Map, Key) ->
    case Map of
        #{Key := Value} -> {found, Value};
        #{} -> absent
    end.

build(0, Map) -> Map;
build(N, Map) -> build(N - 1, Map#{N => N}).

count(String) ->
    lists:foldl(fun(C, Acc) ->
                        case Acc of
                            #{C := N} -> Acc#{C := N + 1};
                            #{} -> Acc#{C => 1}
                        end
                end, #{}, String).

%% erlc uses an answer of is_map_key behind the label for its failing, which never happens: it is a map.
which(#{} = Map) ->
    HasA = is_map_key(a, Map),
    case case HasA of false -> false; _ -> is_map_key(b, Map) end of
        true -> {a, b};
        false ->
            HasC = is_map_key(c, Map),
            case case HasC of false -> false; _ -> is_map_key(b, Map) end of
                true -> {c, b};
                false ->
                    case case HasA of false -> false; _ -> is_map_key(d, Map) end of
                        true -> {a, d};
                        false when HasC -> c;
                        false -> none
                    end
            end
    end.
