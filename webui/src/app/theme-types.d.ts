/** What our theme has beyond MUI's. */
import "@mui/material/styles";

interface CodeColours {
  comment: string;
  keyword: string;
  string: string;
  number: string;
  name: string;
}

declare module "@mui/material/styles" {
  interface TypeBackground {
    /** Of what lies behind the paper: the sidebar. */
    sunken: string;
    code: string;
  }
  interface Palette {
    code: CodeColours;
  }
  interface PaletteOptions {
    code?: CodeColours;
  }
  interface PaletteVars {
    code: CodeColours;
  }
}
