%% Functions with many arguments and many variables alive across calls.
-module(many_registers).
-export([main/0, wide/40]).
-include("show.hrl").

main() ->
    ?SHOW(apply(?MODULE, wide, lists:seq(1, 40))),
    ?SHOW(alive(id(1))),
    ?SHOW(shuffle(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 5)),
    ?SHOW(big_tuple(id(1))),
    ?SHOW(across_receive(id(10))),
    ?SHOW(across_catch(id(3))),
    ?SHOW(deep_expression(id(2))),
    Captured = captured(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18),
    ?SHOW(Captured(19)),
    ?SHOW(try_many(id(0))),
    ?SHOW(try_many(id(1))).

wide(A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17, A18, A19, A20,
     A21, A22, A23, A24, A25, A26, A27, A28, A29, A30, A31, A32, A33, A34, A35, A36, A37, A38, A39, A40) ->
    First = id([A40, A39, A38, A37, A36, A35, A34, A33, A32, A31, A30, A29, A28, A27, A26, A25, A24, A23, A22, A21]),
    {First, id({A1, A2, A3, A4, A5, A6, A7, A8, A9, A10}), [A11 | A12], A13 + A14, A15 * A16, A17 - A18, <<A19, A20>>}.

alive(X) ->
    A = id(X + 1), B = id(A * 2), C = id({A, B}), D = id([C | A]), E = id(<<A, B>>), F = id(A * 1.5),
    G = id(#{A => B}), H = id(A + B), I = id([H, G]), J = id({I, F}), K = id(E), L = id(A bsl 70),
    {A, B, C, D, E, F, G, H, I, J, K, L}.

shuffle(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, 0) ->
    [A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R];
shuffle(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, Times) ->
    shuffle(R, A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, Q, P, Times - 1).

big_tuple(X) ->
    {X, X + 1, X + 2, X + 3, X + 4, X + 5, X + 6, X + 7, X + 8, X + 9, {X * 1.5, [X, {X}]}, id(X), X div 1, -X, [id(X) | X],
     #{X => X, {X} => [X]}, <<X:16>>, id(X) + id(X), {id(X), id(X)}, [id(X), id(X + 1)]}.

across_receive(N) ->
    A = N + 1, B = {N}, C = [N], D = <<N>>,
    self() ! {message, N},
    E = receive {message, M} -> M * 2 end,
    F = receive nothing -> 0 after 1 -> timeout end,
    {A, B, C, D, E, F, N}.

across_catch(N) ->
    A = {N}, B = [N, N],
    C = (catch throw({thrown, A})),
    D = try id(B) of [X, Y] -> {X, Y, A} catch _:_ -> never end,
    E = try exit(id(gone)) catch exit:R -> {R, B} end,
    {A, B, C, D, E}.

deep_expression(X) ->
    (((id(X) + 1) * (id(X) + 2)) + ((id(X) + 3) * (id(X) + 4))) * (((id(X) - 1) + (id(X) * 2)) - ((id(X) bsl 2) bor (id(X) band 3)))
        + length([id(X), [id(X) | id(X)], {id(X)}]) - byte_size(<<(id(X)), (id(X)):16>>).

captured(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R) ->
    fun(S) -> [S, R, Q, P, O, N, M, L, K, J, I, H, G, F, E, D, C, B, A] end.

try_many(X) ->
    A = id(1), B = id(2), C = id(3),
    try
        D = id(4),
        E = 10 div id(X),
        {A, B, C, D, E}
    catch
        error:badarith -> {failed, C, B, A}
    after
        erlang:display({cleanup, A, B, C})
    end.
