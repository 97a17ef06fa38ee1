%% Guards: every type test on every type, guard built-ins, failing guards, `,` and `;`.
-module(guards).
-export([main/0]).
-include("show.hrl").

-record(rec, {field}).

main() ->
    Values = [1, 1 bsl 70, 1.5, atom, true, [], [a], [a | b], "s", {}, {a}, #rec{}, #{}, #{a => 1}, <<>>, <<1>>, <<1:1>>,
              self(), make_ref(), fun() -> ok end, fun(_) -> ok end, fun lists:map/2],
    [erlang:display({Name, [Test(V) || V <- Values]}) || {Name, Test} <- tests()],
    ?SHOW([only_guard(V) || V <- [1, 2, 3, 10, 20, a, "x", {}]]),
    ?SHOW([builtin_guard(V) || V <- [{a, b}, {a}, [1, 2], [1 | 2], <<1, 2>>, <<1:3>>, #{k => v}, #{}, -5, 2.7, abc]]),
    ?SHOW([failing(V) || V <- [{1, 2}, {1}, [], a, {a, b}, 0]]),
    ?SHOW([arithmetic(V) || V <- [1, 2.0, 5, 1 bsl 80, a, -3]]),
    ?SHOW([logic(A, B) || A <- [true, false, 1], B <- [true, false, 1]]),
    ?SHOW([records(V) || V <- [#rec{field = 1}, #rec{}, {rec}, {rec, 1, 2}, {other, 1}]]),
    ?SHOW([map_guard(V) || V <- [#{a => 1}, #{a => 2, b => 1}, #{}, a]]),
    ?SHOW([compare(A, B) || A <- [1, a, {}], B <- [1.0, b, []]]),
    ?SHOW(if_guard(id(5))),
    ?SHOW([range(X) || X <- [-1, 0, 5, 9, 10, 5.5, a]]),
    ?SHOW(case id({ok, 3}) of {ok, N} when N > 5 -> big; {ok, N} when N > 2 -> middle; _ -> other end),
    ?SHOW(node_guard(self())),
    ?SHOW([dynamic_record(V, T, S) || V <- [{rec, 1}], {T, S} <- [{rec, 2}, {rec, 3}, {foo, 2}]]).

tests() ->
    [{is_integer, fun(X) when is_integer(X) -> 1; (_) -> 0 end},
     {is_float, fun(X) when is_float(X) -> 1; (_) -> 0 end},
     {is_number, fun(X) when is_number(X) -> 1; (_) -> 0 end},
     {is_atom, fun(X) when is_atom(X) -> 1; (_) -> 0 end},
     {is_boolean, fun(X) when is_boolean(X) -> 1; (_) -> 0 end},
     {is_list, fun(X) when is_list(X) -> 1; (_) -> 0 end},
     {is_tuple, fun(X) when is_tuple(X) -> 1; (_) -> 0 end},
     {is_map, fun(X) when is_map(X) -> 1; (_) -> 0 end},
     {is_binary, fun(X) when is_binary(X) -> 1; (_) -> 0 end},
     {is_bitstring, fun(X) when is_bitstring(X) -> 1; (_) -> 0 end},
     {is_pid, fun(X) when is_pid(X) -> 1; (_) -> 0 end},
     {is_port, fun(X) when is_port(X) -> 1; (_) -> 0 end},
     {is_reference, fun(X) when is_reference(X) -> 1; (_) -> 0 end},
     {is_function, fun(X) when is_function(X) -> 1; (_) -> 0 end},
     {is_function_0, fun(X) when is_function(X, 0) -> 1; (_) -> 0 end},
     {is_function_1, fun(X) when is_function(X, 1) -> 1; (_) -> 0 end},
     {is_record, fun(X) when is_record(X, rec) -> 1; (_) -> 0 end},
     {is_record_size, fun(X) when is_record(X, rec, 2) -> 1; (_) -> 0 end},
     {nonempty_list, fun([_ | _]) -> 1; (_) -> 0 end},
     {in_body, fun(X) -> {is_list(X), is_tuple(X), is_map(X), is_number(X), is_float(X), is_bitstring(X), is_port(X), is_function(X, 2)} end}].

only_guard(X) when X =:= 1; X =:= 3 -> odd_one;
only_guard(X) when is_integer(X), X > 5, X < 15 -> between;
only_guard(X) when is_integer(X) -> integer;
only_guard(X) when is_atom(X); is_list(X) -> atom_or_list;
only_guard(_) -> other.

builtin_guard(X) when tuple_size(X) =:= 2 -> pair;
builtin_guard(X) when element(1, X) =:= a -> starts_with_a;
builtin_guard(X) when length(X) > 1 -> long;
builtin_guard(X) when hd(X) =:= 1 -> {head, tl(X)};
builtin_guard(X) when byte_size(X) =:= 2 -> two_bytes;
builtin_guard(X) when bit_size(X) =:= 3 -> three_bits;
builtin_guard(X) when map_size(X) > 0, map_get(k, X) =:= v -> has_k;
builtin_guard(X) when is_map(X), not is_map_key(k, X) -> no_k;
builtin_guard(X) when abs(X) > 4 -> far;
builtin_guard(X) when round(X) =:= 3, trunc(X) =:= 2, floor(X) =:= 2, ceil(X) =:= 3, float(X) =:= 2.7 -> near_three;
builtin_guard(_) -> none.

%% A guard that fails in one alternative must try the next.
failing(X) when element(2, X) =:= 2; X =:= {1} -> first;
failing(X) when hd(X) > 0 -> never;
failing(X) when 1 div X > 0; is_atom(X) -> second;
failing(X) when X + 1 =:= 1 -> zero;
failing(_) -> none.

arithmetic(X) when X + 1 =:= 2 -> one;
arithmetic(X) when X * 2 - 4 == 0 -> two;
arithmetic(X) when X rem 5 =:= 0 -> five;
arithmetic(X) when X bsr 80 =:= 1 -> huge;
arithmetic(X) when -X > 0, X band 1 =:= 1, X bor 0 =:= X, X bxor X =:= 0, bnot X >= 0 -> negative;
arithmetic(_) -> none.

logic(A, B) when A and B -> both;
logic(A, B) when A or B -> one;
logic(A, B) when A xor B -> never;
logic(A, B) when not A, not B -> none;
logic(A, B) when A orelse B -> short_or;
logic(A, B) when A =:= 1 andalso B =:= 1 -> ones;
logic(_, _) -> else_case.

records(#rec{field = 1}) -> one;
records(R) when is_record(R, rec), R#rec.field =:= undefined -> default;
records(R) when element(1, R) =:= rec -> wrong_size;
records(_) -> other.

map_guard(#{a := A} = M) when A > 1, map_size(M) =:= 2 -> two;
map_guard(M) when M =:= #{a => 1} -> literal;
map_guard(M) when is_map(M) -> map;
map_guard(_) -> no_map.

compare(A, B) when A == B -> equal;
compare(A, B) when A < B -> less;
compare(A, B) when A > B -> greater.

if_guard(X) ->
    if
        X > 10 -> large;
        is_atom(X); X > 4, X < 6 -> five;
        true -> other
    end.

range(X) when 0 =< X, X < 10 -> {digit, if is_integer(X) -> X; true -> fraction end};
range(_) -> outside.

node_guard(X) when node(X) =:= node() -> here;
node_guard(_) -> elsewhere.

dynamic_record(V, Tag, Size) -> is_record(V, Tag, Size).
