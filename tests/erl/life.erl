%% Conway's game of life: sets of cells as maps, one generation after another.
%% gcstress: small
-module(life).
-export([main/0, main/1]).

main() -> run(100).

main([small]) -> run(3).

run(Generations) ->
    Glider = cells([".#.", "..#", "###"]),
    show(Glider),
    show(step(step(step(step(Glider))))),
    %% The R-pentomino grows for more than a thousand generations.
    Pentomino = cells([".##", "##.", ".#."]),
    erlang:display([map_size(G) || G <- generations(Pentomino, Generations)]),
    erlang:display(erlang:phash2(lists:sort(maps:keys(lists:last(generations(Pentomino, Generations)))))).

cells(Rows) ->
    maps:from_list([{{X, Y}, alive}
                    || {Y, Row} <- lists:zip(lists:seq(1, length(Rows)), Rows),
                       {X, $#} <- lists:zip(lists:seq(1, length(Row)), Row)]).

generations(Cells, 0) -> [Cells];
generations(Cells, N) -> [Cells | generations(step(Cells), N - 1)].

step(Cells) ->
    Counts = maps:fold(fun(Cell, alive, Acc) -> lists:foldl(fun count/2, Acc, neighbours(Cell)) end, #{}, Cells),
    maps:fold(fun(Cell, 3, Acc) -> Acc#{Cell => alive};
                 (Cell, 2, Acc) when is_map_key(Cell, Cells) -> Acc#{Cell => alive};
                 (_, _, Acc) -> Acc
              end, #{}, Counts).

count(Cell, Counts) ->
    case Counts of
        #{Cell := N} -> Counts#{Cell := N + 1};
        #{} -> Counts#{Cell => 1}
    end.

neighbours({X, Y}) -> [{X + DX, Y + DY} || DX <- [-1, 0, 1], DY <- [-1, 0, 1], {DX, DY} =/= {0, 0}].

show(Cells) ->
    [erlang:display([case Cells of #{{X, Y} := alive} -> $#; _ -> $. end || X <- lists:seq(1, 5)]) || Y <- lists:seq(1, 5)],
    ok.
