%% A sudoku solver: backtracking over a tuple, exceptions as a way out.
%% gcstress: small
-module(sudoku).
-export([main/0, main/1]).

main() ->
    solve("53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"),
    solve("4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......").

main([small]) ->
    solve("534678912672195348198342567859761423426853791713924856961537284287419635345286.7."),
    solve("554678912672195348198342567859761423426853791713924856961537284287419635345286.7.").

solve(Text) ->
    Board = list_to_tuple([if C =:= $. -> 0; true -> C - $0 end || C <- Text]),
    try
        search(Board),
        erlang:display(no_solution)
    catch
        throw:{solved, Solved} -> [erlang:display([element(R * 9 + C, Solved) + $0 || C <- lists:seq(1, 9)]) || R <- lists:seq(0, 8)]
    end.

%% The open cell with the fewest candidates first.
search(Board) ->
    case [{length(Options), I, Options} || I <- lists:seq(1, 81), element(I, Board) =:= 0, Options <- [candidates(I, Board)]] of
        [] -> throw({solved, Board});
        Open ->
            {_, I, Options} = lists:min(Open),
            [search(setelement(I, Board, N)) || N <- Options],
            none
    end.

candidates(I, Board) ->
    Row = (I - 1) div 9,
    Column = (I - 1) rem 9,
    Used = [element(Row * 9 + C + 1, Board) || C <- lists:seq(0, 8)]
        ++ [element(R * 9 + Column + 1, Board) || R <- lists:seq(0, 8)]
        ++ [element((Row div 3 * 3 + R) * 9 + Column div 3 * 3 + C + 1, Board) || R <- [0, 1, 2], C <- [0, 1, 2]],
    lists:seq(1, 9) -- Used.
